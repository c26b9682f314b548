import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Partitions BROKER WORD...: has a broker write the topic WORD, with what one
 * of the writers below puts into it.  `create:NAME:PARTITIONS` makes a topic
 * only, `again:NAME` adds a batch, `compact:NAME` has the cleaner go over it,
 * `rest:NAME` has it leave it alone, and `more:NAME:N` writes another round
 * of what is to be cleaned; `set:NAME:KEY:VALUE` changes a setting.  A batch is what is sent between two flushes.
 *
 * Timestamps are fixed, so that the same records come each time; what the
 * broker stamps (markers, LogAppendTime, a delete horizon) is of its own time.
 */
final class Partitions {
    private static final long T0 = 1_700_000_000_000L;
    private static final long HOUR = 3_600_000L;
    private static final Header[] NONE = {};
    private static final List<String> CODECS =
        List.of("none", "gzip", "snappy", "lz4", "zstd");

    interface Writer {
        void write(String topic) throws Exception;
    }

    private final String broker;
    private final Admin admin;
    private final Map<String, Writer> writers = new LinkedHashMap<>();
    private final Map<String, Map<String, String>> configs = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Partitions all = new Partitions(args[0]);
        for (int i = 1; i < args.length; i++)
            all.make(args[i]);
        /* Without a word to the broker: a transaction stays open. */
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private Partitions(String broker) {
        this.broker = broker;
        admin = Admin.create(Map.of("bootstrap.servers", broker));
        for (String codec : CODECS)
            writers.put("codec-" + codec, topic -> codec(topic, codec));
        writers.put("nulls", this::nulls);
        writers.put("headers", this::headers);
        writers.put("append-time", this::appendTime);
        configs.put("append-time",
            Map.of("message.timestamp.type", "LogAppendTime"));
        writers.put("log-start", this::logStart);
        writers.put("large", this::large);
        writers.put("keys", this::keys);
        writers.put("epochs", topic -> codec(topic, "none"));
        writers.put("transactions", this::transactions);
        writers.put("compacted", this::compacted);
        configs.put("compacted", Map.of("segment.ms", "60000",
            "min.cleanable.dirty.ratio", "0.001"));
        for (String name : List.of("clean-waits", "clean-over",
                "clean-open")) {
            writers.put(name, topic -> toBeCleaned(topic, 0));
            configs.put(name, Map.of("segment.ms", "60000",
                "min.cleanable.dirty.ratio", "0.001", "delete.retention.ms",
                name.equals("clean-waits") ? "3600000" : "500"));
        }
        for (String name : List.of("time", "size", "both", "all", "zero",
                "future")) {
            writers.put("retain-" + name, topic -> toBeRetained(topic,
                name.equals("future")));
            configs.put("retain-" + name, Map.of("segment.ms", "60000"));
        }
        writers.put("full-index", topic -> codec(topic, "none"));
        configs.put("full-index", Map.of("segment.index.bytes", "10485760"));
        writers.put("small-index", topic -> codec(topic, "none"));
        configs.put("small-index", Map.of("segment.index.bytes", "4096",
            "index.interval.bytes", "100"));
    }

    private void make(String word) throws Exception {
        String[] parts = word.split(":");
        switch (parts[0]) {
        case "create":
            create(parts[1], Integer.parseInt(parts[2]));
            break;
        case "again":
            again(parts[1]);
            break;
        case "compact":
            set(parts[1], "cleanup.policy", "compact");
            break;
        case "rest":
            set(parts[1], "cleanup.policy", "delete");
            break;
        case "set":
            set(parts[1], parts[2], parts[3]);
            break;
        case "more":
            toBeCleaned(parts[1], Integer.parseInt(parts[2]));
            break;
        default:
            create(word, word.equals("keys") ? 3 : 1);
            writers.get(word).write(word);
        }
    }

    private void create(String name, int partitions) throws Exception {
        Map<String, String> config = new HashMap<>();
        config.put("retention.ms", "-1");
        config.putAll(configs.getOrDefault(name, Map.of()));
        admin.createTopics(List.of(new NewTopic(name, partitions,
            (short)1).configs(config))).all().get();
    }

    private void set(String name, String key, String value) throws Exception {
        admin.incrementalAlterConfigs(Map.of(
            new ConfigResource(ConfigResource.Type.TOPIC, name),
            List.of(new AlterConfigOp(
                new ConfigEntry(key, value),
                AlterConfigOp.OpType.SET)))).all().get();
    }

    /* ---- producers ---- */

    private KafkaProducer<byte[], byte[]> producer(String... settings) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", broker);
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        config.put("linger.ms", 60_000);
        config.put("delivery.timeout.ms", 75_000);
        config.put("request.timeout.ms", 10_000);
        config.put("batch.size", 1 << 20);
        config.put("max.request.size", 1 << 22);
        for (int i = 0; i < settings.length; i += 2)
            config.put(settings[i], settings[i + 1]);
        return new KafkaProducer<>(config);
    }

    private KafkaProducer<byte[], byte[]> transactional(String id) {
        KafkaProducer<byte[], byte[]> out = producer("transactional.id", id,
            "transaction.timeout.ms", "900000");
        out.initTransactions();
        return out;
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] hex(String digits) {
        byte[] bytes = new byte[digits.length() / 2];
        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte)Integer.parseInt(
                digits.substring(2 * i, 2 * i + 2), 16);
        return bytes;
    }

    private static void send(KafkaProducer<byte[], byte[]> out, String topic,
            long timestamp, byte[] key, byte[] value, Header... headers) {
        out.send(new ProducerRecord<>(topic, null, timestamp, key, value,
            List.of(headers)), (done, failed) -> {
                if (failed != null) {
                    failed.printStackTrace();
                    Runtime.getRuntime().halt(1);
                }
            });
    }

    /** One batch of "KEY=VALUE", "KEY" for a tombstone. */
    private static void batch(KafkaProducer<byte[], byte[]> out, String topic,
            long timestamp, String... pairs) {
        for (String pair : pairs) {
            String[] parts = pair.split("=", 2);
            send(out, topic, timestamp, utf8(parts[0]),
                utf8(parts.length > 1 ? parts[1] : null), NONE);
        }
        out.flush();
    }

    /* ---- what the partitions hold ---- */

    /** Timestamps that go up and down, batches of all sizes. */
    private void codec(String topic, String codec) {
        int n = 0;
        try (KafkaProducer<byte[], byte[]> out =
                producer("compression.type", codec)) {
            for (int size : new int[] {1, 2, 15, 3, 1, 2, 12, 2, 1}) {
                for (int i = 0; i < size; i++, n++)
                    send(out, topic, T0 + n * 10L - n % 7 * 25L,
                        n % 3 == 0 ? null : utf8("key-" + n % 5),
                        utf8("GET /item/" + n + " 200 " +
                            "abcdefgh".repeat(n % 4)), NONE);
                out.flush();
            }
        }
    }

    private void again(String topic) {
        try (KafkaProducer<byte[], byte[]> out = producer()) {
            batch(out, topic, T0 + HOUR, "again=1", "again=2");
        }
    }

    private void nulls(String topic) {
        byte[][] all = {null, {}, utf8("text"), utf8("two\nlines\ttab"),
            hex("00ff80fe0a0d"),
            utf8("\u00e9\u4e2d\ud83d\ude00 \"q\" \\ \u0001\u007f/")};
        try (KafkaProducer<byte[], byte[]> out = producer()) {
            for (byte[] key : all)
                for (byte[] value : all)
                    send(out, topic, T0, key, value, NONE);
            send(out, topic, T0, null, utf8("a header with a NUL"),
                new RecordHeader("nul", hex("610062")));
            out.flush();
        }
    }

    private void headers(String topic) {
        Header[] all = {new RecordHeader("a", utf8("1")),
            new RecordHeader("a", utf8("2")), new RecordHeader("a", utf8("1")),
            new RecordHeader("", new byte[] {}),
            new RecordHeader("empty", new byte[] {}),
            new RecordHeader("null", (byte[])null),
            new RecordHeader("binary", hex("ff80fe0a")),
            new RecordHeader("\u00e9,=\n\"", utf8("\u4e2d,x=y\n\"\\"))};
        List<Header> some = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> out = producer()) {
            send(out, topic, T0, utf8("k"), utf8("without"), NONE);
            for (Header header : all) {
                some.add(header);
                send(out, topic, T0 + some.size(), utf8("k"),
                    utf8(some.size() + " headers"),
                    some.toArray(new Header[0]));
                send(out, topic, T0 + some.size(), null, null, header);
            }
            out.flush();
        }
    }

    private void appendTime(String topic) {
        try (KafkaProducer<byte[], byte[]> out = producer();
                KafkaProducer<byte[], byte[]> packed =
                    producer("compression.type", "lz4")) {
            batch(out, topic, T0, "a=1", "b=2", "c=3");
            batch(packed, topic, T0 + 5, "d=4", "e=5", "f=6");
            batch(out, topic, T0 - HOUR, "g=7");
        }
    }

    /** The log begins in the middle of a batch. */
    private void logStart(String topic) throws Exception {
        String[] pairs = new String[10];
        try (KafkaProducer<byte[], byte[]> out = producer();
                KafkaProducer<byte[], byte[]> packed =
                    producer("compression.type", "zstd")) {
            for (int b = 0; b < 4; b++) {
                for (int i = 0; i < 10; i++)
                    pairs[i] = "k=" + (10 * b + i);
                batch(b == 1 ? packed : out, topic, T0 + b, pairs);
            }
        }
        admin.deleteRecords(Map.of(new TopicPartition(topic, 0),
            RecordsToDelete.beforeOffset(14))).all().get();
    }

    /** A batch of 1,048,588 bytes, which is max.message.bytes. */
    private void large(String topic) {
        byte[] value = new byte[1_048_588 - 61 - 11];
        Arrays.fill(value, (byte)'x');
        value[0] = 'a';
        value[value.length - 1] = 'z';
        try (KafkaProducer<byte[], byte[]> out = producer();
                KafkaProducer<byte[], byte[]> packed =
                    producer("compression.type", "zstd")) {
            batch(out, topic, T0, "before=1");
            send(out, topic, T0, null, value, NONE);
            out.flush();
            send(packed, topic, T0, null, value, NONE);
            packed.flush();
            batch(out, topic, T0, "after=1");
        }
    }

    private void keys(String topic) {
        try (KafkaProducer<byte[], byte[]> out = producer()) {
            for (int i = 0; i < 60; i++)
                send(out, topic, T0 + i, utf8("k" + i * i), utf8("v" + i),
                    NONE);
            out.flush();
        }
    }

    /**
     * Two producers whose transactions interleave, records of none between
     * them, an abort whose marker lies in a later segment (markers have the
     * time of now), and one that is open at the end.
     */
    private void transactions(String topic) {
        KafkaProducer<byte[], byte[]> plain = producer();
        KafkaProducer<byte[], byte[]> one = transactional("one");
        KafkaProducer<byte[], byte[]> two = transactional("two");
        one.beginTransaction();
        batch(one, topic, T0, "one=aborted", "one=aborted too");
        batch(plain, topic, T0, "plain=1");
        two.beginTransaction();
        batch(two, topic, T0, "two=committed");
        batch(one, topic, T0, "one=aborted as well");
        one.abortTransaction();
        batch(two, topic, T0, "two=committed 2");
        one.beginTransaction();
        batch(one, topic, T0, "one=committed 3");
        two.commitTransaction();
        two.beginTransaction();
        batch(two, topic, T0, "two=aborted");
        batch(plain, topic, T0, "plain=2");
        one.commitTransaction();
        batch(plain, topic, T0, "plain=3");
        two.abortTransaction();
        one.beginTransaction();
        batch(one, topic, T0, "one=committed 4");
        one.commitTransaction();
        one.beginTransaction();
        batch(one, topic, T0, "one=aborted at last");
        one.abortTransaction();
        batch(plain, topic, T0, "plain=4");
        two.beginTransaction();
        batch(two, topic, T0, "two=open");
        batch(plain, topic, T0, "plain=behind the last stable offset");
        one.beginTransaction();
        batch(one, topic, T0, "one=committed behind it");
        one.commitTransaction();
        two.send(new ProducerRecord<>(topic, null, T0, utf8("two"),
            utf8("open 2")));
        two.flush();
    }

    /**
     * Segments of an hour each: overwritten and deleted keys, a batch of which
     * only the header stays (its producer's last), an aborted transaction.
     */
    private void compacted(String topic) {
        long t = T0;
        try (KafkaProducer<byte[], byte[]> gone = producer()) {
            batch(gone, topic, t, "a=old", "b=old");
        }
        KafkaProducer<byte[], byte[]> out = producer();
        KafkaProducer<byte[], byte[]> packed =
            producer("compression.type", "gzip");
        batch(out, topic, t, "a=old 2", "c=kept", "b=old 2", "d=old");
        batch(packed, topic, t, "e=old", "f=kept", "g=deleted");
        t += HOUR;
        batch(out, topic, t, "a=kept", "b=old 3", "g");
        batch(packed, topic, t, "h=", "i=deleted", "e=kept");
        t += HOUR;
        KafkaProducer<byte[], byte[]> one = transactional("compacting");
        one.beginTransaction();
        batch(one, topic, t, "t=aborted", "c=aborted");
        one.abortTransaction();
        one.beginTransaction();
        batch(one, topic, t, "t=committed", "u=committed");
        one.commitTransaction();
        one.close(Duration.ofSeconds(10));
        t = System.currentTimeMillis() + HOUR / 4;
        batch(out, topic, t, "b=kept", "d=kept", "i");
        t += HOUR / 4;
        batch(out, topic, t, "active=1", "active=2");
        out.close();
        packed.close();
    }

    /**
     * Segments of two minutes each with few keys, by a producer of each codec
     * and two with transactions, of which many are aborted; tombstones, records
     * without a key, producers of which nothing is left, and in the last
     * round of clean-open a transaction that stays open.  The times are of now
     * and later, so that no producer is forgotten, and no marker rolls.
     */
    private void toBeCleaned(String topic, int round) {
        Random random = new Random(topic.hashCode() + round);
        long t = System.currentTimeMillis() + round * HOUR * 3 / 10;
        List<KafkaProducer<byte[], byte[]>> plain = new ArrayList<>();
        List<KafkaProducer<byte[], byte[]>> bound = new ArrayList<>();
        boolean[] open = new boolean[2];
        for (String codec : CODECS)
            plain.add(producer("compression.type", codec));
        bound.add(transactional(topic + "-one"));
        bound.add(transactional(topic + "-two"));
        for (int segment = 0; segment < 8; segment++, t += 120_000) {
            try (KafkaProducer<byte[], byte[]> once = producer()) {
                some(once, topic, t, random);
            }
            for (int i = 0; i < 12; i++) {
                int which = random.nextInt(9);
                if (which < 5) {
                    some(plain.get(which), topic, t, random);
                    continue;
                }
                which %= 2;
                if (!open[which]) {
                    bound.get(which).beginTransaction();
                    open[which] = true;
                }
                some(bound.get(which), topic, t, random);
                if (random.nextInt(3) == 0)
                    continue;
                if (random.nextBoolean())
                    bound.get(which).commitTransaction();
                else
                    bound.get(which).abortTransaction();
                open[which] = false;
            }
            if (segment == 6 && round == 2 && topic.equals("clean-open")) {
                KafkaProducer<byte[], byte[]> left =
                    transactional(topic + "-open");
                left.beginTransaction();
                some(left, topic, t, random);
            }
        }
        for (int i = 0; i < 2; i++)
            if (open[i])
                bound.get(i).commitTransaction();
        batch(plain.get(0), topic, t, "active=" + round);
    }

    /** Four segments, an hour between them, the last one of now or to come. */
    private void toBeRetained(String topic, boolean future) {
        long t = System.currentTimeMillis() - 3 * HOUR;
        try (KafkaProducer<byte[], byte[]> out = producer()) {
            for (int i = 0; i < 3; i++)
                batch(out, topic, t + i * HOUR + (future && i > 0 ?
                    5 * HOUR / 2 - i * HOUR + i * 1_000_000 : 0),
                    "a=" + i, "b=" + i, "c=" + i);
            batch(out, topic, t + 3 * HOUR + (future ? HOUR * 9 / 10 : 0),
                "a=3", "b=3", "c=3");
        }
    }

    private static void some(KafkaProducer<byte[], byte[]> out, String topic,
            long t, Random random) {
        for (int n = 1 + random.nextInt(6); n > 0; n--) {
            byte[] key = utf8("key " + random.nextInt(40));
            byte[] value = utf8("value ".repeat(1 + random.nextInt(5)) +
                random.nextInt());
            int kind = random.nextInt(12);
            send(out, topic, t + random.nextInt(1000),
                kind == 0 ? null : key, kind == 1 || kind == 2 ? null : value,
                NONE);
        }
        out.flush();
    }
}
