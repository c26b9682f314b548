import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Legacy DIR: what brokers before 0.10 and 0.11 wrote, by the record builder
 * of today's Kafka, which no longer writes it to its own logs: a segment
 * DIR/legacy-v0.log, DIR/legacy-v1.log, and DIR/legacy-mixed.log of a topic
 * that was there through all upgrades.
 */
final class Legacy {
    private static final long T0 = 1_400_000_000_000L;
    private static final Compression[] CODECS = {Compression.NONE,
        Compression.gzip().build(), Compression.snappy().build(),
        Compression.lz4().build()};

    private final ByteBuffer log = ByteBuffer.allocate(1 << 20);
    private long next;

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        Files.createDirectories(dir);
        for (byte magic = 0; magic <= 1; magic++) {
            Legacy made = new Legacy();
            made.sets(magic);
            made.bytes(magic);
            made.gaps(magic);
            if (magic == 1)
                made.appendTime();
            made.write(dir.resolve("legacy-v" + magic + ".log"));
        }
        Legacy mixed = new Legacy();
        for (byte magic = 0; magic <= 2; magic++)
            mixed.sets(magic);
        mixed.write(dir.resolve("legacy-mixed.log"));
    }

    private void write(Path file) throws Exception {
        byte[] bytes = new byte[log.flip().remaining()];
        log.get(bytes);
        Files.write(file, bytes);
    }

    private static TimestampType type(byte magic) {
        return magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE
            : TimestampType.CREATE_TIME;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void add(MemoryRecords records) {
        log.put(records.buffer());
    }

    /** Message sets of one and of several messages, by each codec. */
    private void sets(byte magic) {
        for (Compression codec : CODECS)
            for (int size : new int[] {1, 5}) {
                SimpleRecord[] set = new SimpleRecord[size];
                for (int i = 0; i < size; i++)
                    set[i] = new SimpleRecord(T0 + (next + i) * 10 - i % 3 * 25,
                        i % 2 == 0 ? null : utf8("key " + i),
                        utf8("v" + magic + " " + codec.type().name + " " +
                            (next + i) + " abababab".repeat(i)));
                add(MemoryRecords.withRecords(magic, next, codec, type(magic),
                    set));
                next += size;
            }
    }

    /** Keys and values null, empty, not UTF-8; plain and wrapped. */
    private void bytes(byte magic) {
        byte[][] all = {null, {}, {(byte)0xff, 0, '\n'}};
        for (Compression codec : new Compression[] {CODECS[0], CODECS[1]}) {
            SimpleRecord[] set = new SimpleRecord[9];
            for (int i = 0; i < 9; i++)
                set[i] = new SimpleRecord(T0, all[i / 3], all[i % 3]);
            add(MemoryRecords.withRecords(magic, next, codec, type(magic),
                set));
            next += 9;
        }
    }

    /** As compaction leaves them: offsets missing in a set and between. */
    private void gaps(byte magic) {
        for (Compression codec : CODECS) {
            MemoryRecordsBuilder set = MemoryRecords.builder(
                ByteBuffer.allocate(1000), magic, codec, type(magic), next);
            for (int i : new int[] {2, 3, 7})
                set.appendWithOffset(next + i, T0 + i, utf8("k" + i),
                    utf8("kept " + i));
            add(set.build());
            next += 20;
        }
    }

    private void appendTime() {
        for (Compression codec : CODECS) {
            MemoryRecordsBuilder set = MemoryRecords.builder(
                ByteBuffer.allocate(1000), (byte)1, codec,
                TimestampType.LOG_APPEND_TIME, next, T0 + 777_777);
            for (int i = 0; i < 3; i++)
                set.append(T0 + i, null, utf8("appended " + i));
            add(set.build());
            next += 3;
        }
    }
}
