import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/*
 * Writes partitions in Kafka's message formats 0 and 1 with Kafka's own record
 * builder, and beside each what Kafka's own reader makes of it.  README.md
 * says how it is run.
 */
public class OldFormats {
	static final long T0 = 1700000000000L;
	static final long BASE = 5;

	/* A segment being made: sets of records as a broker appends them. */
	static class Segment {
		final ByteBuffer log = ByteBuffer.allocate(1 << 20);
		final ByteBuffer index = ByteBuffer.allocate(1 << 10);
		final boolean indexFirst; /* of a set; else the last */
		final boolean compacted;  /* every third record is gone */
		long next = BASE;

		Segment(boolean indexFirst, boolean compacted) {
			this.indexFirst = indexFirst;
			this.compacted = compacted;
		}

		/* Keys and values in turn. */
		void append(byte magic, Compression codec, TimestampType type,
				String... pairs) {
			long first = next, last = first + pairs.length / 2 - 1;
			long appendTime = type == TimestampType.LOG_APPEND_TIME
					? T0 + 5000 : RecordBatch.NO_TIMESTAMP;
			MemoryRecordsBuilder set = null;

			for (next = first; next <= last; next++) {
				int i = (int) (next - first) * 2;
				long ms = magic == 0 ? RecordBatch.NO_TIMESTAMP
						: T0 + next * 10;
				if (compacted && next % 3 == 0)
					continue;
				if (set == null)
					set = MemoryRecords.builder(
							ByteBuffer.allocate(1 << 16), magic,
							codec, type, next, appendTime);
				set.appendWithOffset(next, ms, bytes(pairs[i]),
						bytes(pairs[i + 1]));
			}
			if (set == null)
				return;
			/* Brokers before 0.11 indexed the first offset of what
			 * they appended at once, later ones the last. */
			if (log.position() > 0) {
				index.putInt((int) ((indexFirst ? first : last) - BASE));
				index.putInt(log.position());
			}
			log.put(set.build().buffer());
		}
	}

	static byte[] bytes(String s) {
		return s == null ? null : s.getBytes(StandardCharsets.UTF_8);
	}

	static String[] many(int count) {
		String[] pairs = new String[count * 2];
		for (int i = 0; i < count; i++) {
			pairs[2 * i] = "key-" + i % 7;
			pairs[2 * i + 1] = "the value of message " + i;
		}
		return pairs;
	}

	static void fill(Segment s, byte magic, Compression codec,
			TimestampType type) {
		s.append(magic, codec, type, "k", "v", null, "w");
		s.append(magic, codec, type, "alone", "");
		s.append(magic, codec, type, "", "x", "gone", null, null, null);
		s.append(magic, codec, type, many(20));
		s.append(magic, codec, type, many(10));
	}

	static MemoryRecords read(ByteBuffer log) {
		ByteBuffer b = log.duplicate();
		b.flip();
		return MemoryRecords.readableRecords(b);
	}

	static String text(ByteBuffer b) {
		return b == null ? "NULL" : StandardCharsets.UTF_8.decode(b).toString();
	}

	/* OFFSET TIMESTAMP KEY VALUE, as klog-consume -Z -F '%o %T %k %s\n' */
	static List<String> shown(ByteBuffer log) {
		List<String> lines = new ArrayList<>();
		for (RecordBatch batch : read(log).batches()) {
			for (Record r : batch) {
				r.ensureValid();
				lines.add(r.offset() + " " + r.timestamp() + " "
						+ text(r.key()) + " " + text(r.value()));
			}
		}
		return lines;
	}

	static byte[] whole(ByteBuffer b) {
		byte[] bytes = new byte[b.position()];
		b.duplicate().flip().get(bytes);
		return bytes;
	}

	static void save(Path dir, String name, Segment s) throws IOException {
		Path to = dir.resolve(name + "-0");
		String base = String.format("%020d", BASE);
		Files.createDirectories(to);
		Files.write(to.resolve(base + ".log"), whole(s.log));
		if (s.index.position() > 0)
			Files.write(to.resolve(base + ".index"), whole(s.index));
		Files.write(dir.resolve(name + ".shown"), shown(s.log));
	}

	public static void main(String[] args) throws IOException {
		Path dir = Path.of(args[0]);
		String[] names = { "none", "gzip", "snappy", "lz4" };
		Compression[] codecs = { Compression.NONE, Compression.gzip().build(),
			Compression.snappy().build(), Compression.lz4().build() };
		TimestampType none = TimestampType.NO_TIMESTAMP_TYPE;
		TimestampType create = TimestampType.CREATE_TIME;
		TimestampType append = TimestampType.LOG_APPEND_TIME;

		for (int i = 0; i < codecs.length; i++) {
			Segment v0 = new Segment(true, false);
			Segment v1 = new Segment(false, false);
			fill(v0, (byte) 0, codecs[i], none);
			fill(v1, (byte) 1, codecs[i], create);
			save(dir, "v0-" + names[i], v0);
			save(dir, "v1-" + names[i], v1);
			if (i >= 2)
				continue;
			v0 = new Segment(true, true);
			v1 = new Segment(true, true);
			Segment late = new Segment(false, false);
			fill(v0, (byte) 0, codecs[i], none);
			fill(v1, (byte) 1, codecs[i], create);
			fill(late, (byte) 1, codecs[i], append);
			save(dir, "v0-" + names[i] + "-compacted", v0);
			save(dir, "v1-" + names[i] + "-compacted", v1);
			save(dir, "v1-" + names[i] + "-append-time", late);
		}
		Segment all = new Segment(false, false);
		for (byte magic = 0; magic <= 2; magic++)
			for (int i = 0; i < codecs.length; i++)
				all.append(magic, codecs[i], magic == 0 ? none : create,
						"k" + magic, names[i], null, "last of " + names[i]);
		save(dir, "upgraded", all);
	}
}
