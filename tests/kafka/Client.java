import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Client BROKER DIR TOPIC...: what a read_committed client prints of the
 * topics, partition by partition, as files of Shown in DIR.
 */
final class Client {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = Map.of(
            "bootstrap.servers", args[0],
            "isolation.level", "read_committed",
            "auto.offset.reset", "none",
            "fetch.max.wait.ms", 50,
            "key.deserializer", ByteArrayDeserializer.class,
            "value.deserializer", ByteArrayDeserializer.class);
        try (KafkaConsumer<byte[], byte[]> in = new KafkaConsumer<>(config)) {
            for (int i = 2; i < args.length; i++) {
                try (Shown out = new Shown(Path.of(args[1]), args[i])) {
                    for (TopicPartition partition : partitions(in, args[i]))
                        show(in, partition, out);
                }
            }
        }
    }

    private static List<TopicPartition> partitions(
            KafkaConsumer<byte[], byte[]> in, String topic) {
        List<TopicPartition> all = new ArrayList<>();
        for (PartitionInfo info : in.partitionsFor(topic))
            all.add(new TopicPartition(topic, info.partition()));
        all.sort(Comparator.comparingInt(TopicPartition::partition));
        return all;
    }

    private static void show(KafkaConsumer<byte[], byte[]> in,
            TopicPartition partition, Shown out) throws Exception {
        List<TopicPartition> one = List.of(partition);
        long end = in.endOffsets(one).get(partition);
        long late = System.currentTimeMillis() + 30_000;
        in.assign(one);
        in.seekToBeginning(one);
        while (in.position(partition) < end) {
            if (System.currentTimeMillis() > late)
                throw new IllegalStateException(partition + " has no end");
            for (ConsumerRecord<byte[], byte[]> r :
                    in.poll(Duration.ofMillis(500)))
                if (r.offset() < end)
                    out.record(r.topic(), r.partition(), r.offset(),
                        r.timestampType(), r.timestamp(), r.key(), r.value(),
                        r.headers().toArray());
        }
    }
}
