import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.storage.internals.log.AbortedTxn;
import org.apache.kafka.storage.internals.log.TransactionIndex;

/**
 * RandomBatches DIR COUNT SEED: a partition DIR/random-0 of COUNT batches from
 * Kafka's record builder, whatever a broker may have after years: all codecs,
 * any bytes, gaps as of compaction, empty batches, delete horizons,
 * LogAppendTime, producers with and without transactions.  Beside it, as files
 * of Shown, what Kafka's own reader finds in it: "committed" and "all".
 */
final class RandomBatches {
    private static final String TOPIC = "random";
    private static final String SEGMENT = "00000000000000000000";
    private static final long T0 = 1_700_000_000_000L;
    private static final Compression[] CODECS = {Compression.NONE,
        Compression.gzip().build(), Compression.snappy().build(),
        Compression.lz4().build(), Compression.zstd().build()};
    private static final int PRODUCERS = 6;

    private static final class Transaction {
        long first;
        final List<Long> bases = new ArrayList<>();
    }

    private final Random random;
    private final ByteBuffer log = ByteBuffer.allocate(64 << 20);
    private final Map<Long, Transaction> open = new HashMap<>();
    private final Set<Long> abortedBases = new HashSet<>();
    private final TransactionIndex index;
    private long next;
    private int epoch;
    private int sequence;

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0], TOPIC + "-0");
        int count = Integer.parseInt(args[1]);
        Files.createDirectories(dir);
        RandomBatches made = new RandomBatches(
            dir.resolve(SEGMENT + ".txnindex"), Long.parseLong(args[2]));
        for (; count > made.open.size() + 1; count--)
            made.batch();
        if (count > made.open.size())
            made.empty();
        for (long producer : new ArrayList<>(made.open.keySet()))
            made.end(producer);
        made.index.close();
        made.write(dir.resolve(SEGMENT + ".log"));
        made.show(Path.of(args[0]));
    }

    private RandomBatches(Path transactions, long seed) throws Exception {
        random = new Random(seed);
        index = new TransactionIndex(0, transactions.toFile());
    }

    /** One in so many times. */
    private boolean once(int in) {
        return random.nextInt(in) == 0;
    }

    private void batch() throws Exception {
        long producer = random.nextInt(PRODUCERS);
        if (once(100))
            epoch += 1 + random.nextInt(3);
        if (once(10))
            next += 1 + random.nextInt(once(10) ? 100_000 : 20);
        if (once(20))
            empty();
        else if (open.containsKey(producer) && once(4))
            end(producer);
        else if (once(3))
            transactional(producer);
        else
            data(once(2) ? RecordBatch.NO_PRODUCER_ID : 1000 + producer, false);
    }

    private void transactional(long producer) {
        Transaction txn = open.computeIfAbsent(producer, p -> {
            Transaction fresh = new Transaction();
            fresh.first = next;
            return fresh;
        });
        txn.bases.add(next);
        data(producer, true);
    }

    private void end(long producer) throws Exception {
        Transaction txn = open.remove(producer);
        boolean aborted = once(2);
        if (aborted) {
            long stable = next + 1;
            for (Transaction other : open.values())
                stable = Math.min(stable, other.first);
            abortedBases.addAll(txn.bases);
            index.append(new AbortedTxn(producer, txn.first, next, stable));
        }
        MemoryRecords.writeEndTransactionalMarker(log, next, T0 + next, epoch,
            producer, (short)0, new EndTransactionMarker(
                aborted ? ControlRecordType.ABORT : ControlRecordType.COMMIT,
                random.nextInt(9)));
        next++;
    }

    /** What compaction leaves of a producer's last batch. */
    private void empty() {
        int delta = random.nextInt(30);
        DefaultRecordBatch.writeEmptyHeader(log, (byte)2, 2000, (short)1,
            sequence, next, next + delta, epoch, TimestampType.CREATE_TIME,
            T0, false, false);
        next += delta + 1;
    }

    private void data(long producer, boolean transactional) {
        boolean none = producer == RecordBatch.NO_PRODUCER_ID;
        boolean appendTime = once(10);
        MemoryRecordsBuilder out = new MemoryRecordsBuilder(
            new ByteBufferOutputStream(4096), (byte)2,
            CODECS[random.nextInt(CODECS.length)],
            appendTime ? TimestampType.LOG_APPEND_TIME
                : TimestampType.CREATE_TIME,
            next, appendTime ? T0 + next : RecordBatch.NO_TIMESTAMP, producer,
            none ? RecordBatch.NO_PRODUCER_EPOCH : (short)random.nextInt(99),
            none ? RecordBatch.NO_SEQUENCE : sequence++, transactional, false,
            epoch, Integer.MAX_VALUE,
            once(20) ? T0 + 86_400_000 : RecordBatch.NO_TIMESTAMP);
        boolean gaps = once(4);
        int size = once(50) ? 1 + random.nextInt(300) : 1 + random.nextInt(12);
        if (gaps)
            next += random.nextInt(10);
        for (int i = 0; i < size; i++) {
            out.appendWithOffset(next++, timestamp(), bytes(40), value(),
                headers());
            if (gaps)
                next += random.nextInt(5);
        }
        if (gaps)
            out.overrideLastOffset(next - 1);
        log.put(out.build().buffer());
    }

    private long timestamp() {
        switch (random.nextInt(40)) {
        case 0: return RecordBatch.NO_TIMESTAMP;
        case 1: return 0;
        case 2: return Long.MAX_VALUE - random.nextInt(100);
        case 3: return random.nextLong() & Long.MAX_VALUE;
        default: return T0 + next * 7 - random.nextInt(5000);
        }
    }

    private byte[] value() {
        return bytes(once(500) ? 70_000 : 150);
    }

    /** Null, empty, any bytes, text of one and of many bytes a letter. */
    private byte[] bytes(int most) {
        int kind = random.nextInt(12);
        if (kind == 0)
            return null;
        if (kind == 1)
            return new byte[0];
        byte[] bytes = new byte[random.nextInt(most)];
        if (kind == 2) {
            random.nextBytes(bytes);
        } else if (kind == 3) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < bytes.length / 4; i++)
                text.appendCodePoint(letter());
            return text.toString().getBytes(StandardCharsets.UTF_8);
        } else if (kind == 4) {
            Arrays.fill(bytes, (byte)'a');
        } else {
            for (int i = 0; i < bytes.length; i++)
                bytes[i] = (byte)random.nextInt(128);
        }
        return bytes;
    }

    private int letter() {
        int c = random.nextInt(0x110000 >> random.nextInt(13));
        return c >= 0xd800 && c < 0xe000 ? 'x' : c;
    }

    private Header[] headers() {
        Header[] all = new Header[once(3) ? random.nextInt(5) : 0];
        for (int i = 0; i < all.length; i++)
            all[i] = new RecordHeader(once(8) ? "\u00e9" : "h" + i % 2,
                bytes(20));
        return all;
    }

    private void write(Path file) throws Exception {
        byte[] bytes = new byte[log.flip().remaining()];
        log.duplicate().get(bytes);
        Files.write(file, bytes);
    }

    private void show(Path dir) throws Exception {
        try (Shown committed = new Shown(dir, "committed");
                Shown all = new Shown(dir, "all")) {
            for (MutableRecordBatch batch :
                    MemoryRecords.readableRecords(log).batches()) {
                batch.ensureValid();
                if (batch.isControlBatch())
                    continue;
                for (Record record : batch) {
                    show(all, batch, record);
                    if (!abortedBases.contains(batch.baseOffset()))
                        show(committed, batch, record);
                }
            }
        }
    }

    private static void show(Shown out, RecordBatch batch, Record r)
            throws Exception {
        out.record(TOPIC, 0, r.offset(), batch.timestampType(), r.timestamp(),
            array(r.key()), array(r.value()), r.headers());
    }

    private static byte[] array(ByteBuffer bytes) {
        if (bytes == null)
            return null;
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return copy;
    }
}
