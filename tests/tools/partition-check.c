/*
 * partition-check - reads a partition directory as Apache Kafka would, and
 * says where a writer broke the format.
 *
 *	partition-check [-b | -q] [-g] [-i INTERVAL] [-s SEGMENT-BYTES] DIR
 *
 * It shares no line with libklog: what both get wrong they get wrong apart.
 * It expects what a klog writer leaves: version 2 batches, offsets without
 * gaps, an offset and a time index beside every segment, no other files.
 * Records are printed as "offset timestamp value", -b prints a line per
 * batch, -q one line in all.  Compressed batches are checked by their header
 * and checksum.  -i checks which batches the offset index names, too.  -g is
 * for what compaction left: gaps, batches and segments without records, delete
 * horizons, and the batches of Kafka's producers and transactions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER 61
#define FINDINGS_MAX 20

struct file {
	uint8_t *data;
	size_t size;
};

struct epoch {
	int64_t epoch;
	int64_t start;
};

/* What an index entry may point at. */
struct place {
	int64_t last_offset;
	int64_t position;
	int64_t max_timestamp; /* of the segment up to and with this batch */
	bool raises;           /* the batch is the first with that maximum */
};

struct check {
	const char *dir;
	int64_t interval; /* -1: any spacing is right */
	int64_t segment_bytes;
	bool batches;
	bool quiet;
	bool gaps;

	struct epoch *epochs;
	size_t epoch_count;
	int64_t *bases;
	size_t base_count;
	struct place *places; /* of the segment in hand */
	size_t place_count;

	int64_t next;
	int64_t last_epoch;
	int64_t record_total;
	int64_t batch_total;
	int64_t bytes_total;
	int findings;
};

static uint32_t crc_table[256];

static void __attribute__((format(printf, 2, 3)))
finding(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (++c->findings > FINDINGS_MAX)
		return;
	fprintf(stderr, "partition-check: %s/", c->dir);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void
die(const char *what)
{
	fprintf(stderr, "partition-check: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
more(void *old, size_t count, size_t size)
{
	void *p = realloc(old, count * size);

	if (p == NULL)
		die("memory");
	return p;
}

static void
crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t x = i;

		for (int bit = 0; bit < 8; bit++)
			x = (x & 1) ? (x >> 1) ^ 0x82f63b78U : x >> 1;
		crc_table[i] = x;
	}
}

static uint32_t
crc32c(const uint8_t *p, size_t size)
{
	uint32_t x = 0xffffffffU;

	while (size-- > 0)
		x = crc_table[(x ^ *p++) & 0xff] ^ (x >> 8);
	return ~x;
}

static uint64_t
be(const uint8_t *p, int size)
{
	uint64_t x = 0;

	for (int i = 0; i < size; i++)
		x = (x << 8) | p[i];
	return x;
}

static int64_t
be64(const uint8_t *p)
{
	return (int64_t)be(p, 8);
}

static int64_t
be32(const uint8_t *p)
{
	return (int32_t)(uint32_t)be(p, 4);
}

static int64_t
be16(const uint8_t *p)
{
	return (int16_t)(uint16_t)be(p, 2);
}

static bool
slurp(const char *dir, const char *name, struct file *f)
{
	char path[4096];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0)
		die(path);
	f->size = (size_t)st.st_size;
	f->data = more(NULL, f->size + 1, 1);
	for (size_t at = 0; at < f->size;) {
		ssize_t n = read(fd, f->data + at, f->size - at);

		if (n <= 0)
			die(path);
		at += (size_t)n;
	}
	f->data[f->size] = 0;
	close(fd);
	return true;
}

/* ---- records ---------------------------------------------------------- */

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

static int64_t
varint(struct cursor *in, int longest)
{
	uint64_t x = 0;

	for (int i = 0; i < longest; i++) {
		uint8_t byte;

		if (in->p == in->end)
			break;
		byte = *in->p++;
		x |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return (int64_t)(x >> 1) ^ -(int64_t)(x & 1);
	}
	in->bad = true;
	return 0;
}

static const uint8_t *
bytes(struct cursor *in, int64_t size)
{
	const uint8_t *p = in->p;

	if (size <= 0)
		return p;
	if (size > in->end - in->p) {
		in->bad = true;
		return p;
	}
	in->p += size;
	return p;
}

struct record {
	int64_t timestamp_delta;
	int64_t offset_delta;
	const uint8_t *value;
	int64_t value_size;
};

static bool
take_record(struct cursor *in, struct record *r)
{
	int64_t size = varint(in, 5);
	struct cursor body = { in->p, in->p, false };
	int64_t headers;

	if (in->bad || size < 0 || size > in->end - in->p)
		return false;
	body.end = in->p + size;
	in->p += size;
	if (body.p == body.end || *body.p++ != 0)
		return false;
	r->timestamp_delta = varint(&body, 10);
	r->offset_delta = varint(&body, 5);
	bytes(&body, varint(&body, 5));
	r->value_size = varint(&body, 5);
	r->value = bytes(&body, r->value_size);
	headers = varint(&body, 5);
	for (int64_t i = 0; i < headers && !body.bad; i++) {
		int64_t name = varint(&body, 5);

		if (name < 0)
			return false;
		bytes(&body, name);
		bytes(&body, varint(&body, 5));
	}
	return !body.bad && headers >= 0 && body.p == body.end;
}

static void
check_records(struct check *c, const char *name, int64_t position,
	const uint8_t *b, size_t size)
{
	struct cursor in = { b + HEADER, b + size, false };
	int64_t base = be64(b), first = be64(b + 27), count = be32(b + 57);
	bool append_time = (be16(b + 21) & 0x08) != 0;
	bool horizon = (be16(b + 21) & 0x40) != 0;
	int64_t newest = -1, last = -1;

	for (int64_t i = 0; i < count; i++) {
		struct record r;
		int64_t ts;

		if (!take_record(&in, &r)) {
			finding(c,
				"%s: batch at %" PRId64 ": record %" PRId64
				" is malformed",
				name, position, i);
			return;
		}
		if (c->gaps ? r.offset_delta <= last ||
					r.offset_delta > be32(b + 23)
			    : r.offset_delta != i)
			finding(c,
				"%s: batch at %" PRId64 ": record %" PRId64
				" has offset delta %" PRId64,
				name, position, i, r.offset_delta);
		last = r.offset_delta;
		if (i == 0 && r.timestamp_delta != 0 && !append_time &&
			!horizon)
			finding(c,
				"%s: batch at %" PRId64 ": base timestamp "
				"is not the first record's",
				name, position);
		ts = append_time ? be64(b + 35) : first + r.timestamp_delta;
		if (ts > newest)
			newest = ts;
		if (!c->quiet && !c->batches) {
			printf("%" PRId64 " %" PRId64 " ",
				base + r.offset_delta, ts);
			if (r.value_size > 0)
				fwrite(r.value, 1, (size_t)r.value_size,
					stdout);
			putchar('\n');
		}
	}
	if (in.p != in.end)
		finding(c,
			"%s: batch at %" PRId64 ": %td bytes behind the last "
			"record",
			name, position, in.end - in.p);
	if (newest != be64(b + 35) && count > 0)
		finding(c,
			"%s: batch at %" PRId64 ": maximum timestamp %" PRId64
			", its records say %" PRId64,
			name, position, be64(b + 35), newest);
}

/* ---- batches ---------------------------------------------------------- */

static int64_t
epoch_of(const struct check *c, int64_t offset)
{
	int64_t epoch = -1;

	for (size_t i = 0; i < c->epoch_count; i++)
		if (c->epochs[i].start <= offset)
			epoch = c->epochs[i].epoch;
	return epoch;
}

static void
check_header(struct check *c, const char *name, int64_t position,
	const uint8_t *b, size_t size)
{
	int64_t attributes = be16(b + 21), count = be32(b + 57);
	int64_t epoch = be32(b + 12);

	if (crc32c(b + 21, size - 21) != (uint32_t)be(b + 17, 4))
		finding(c, "%s: batch at %" PRId64 ": bad checksum", name,
			position);
	if (b[16] != 2)
		finding(c, "%s: batch at %" PRId64 ": magic %d", name, position,
			b[16]);
	if (attributes < 0 || (attributes & (c->gaps ? ~0x7f : ~0x0f)) ||
		(attributes & 7) > 4)
		finding(c, "%s: batch at %" PRId64 ": attributes %" PRIx64,
			name, position, (uint64_t)attributes);
	if (c->gaps ? count < 0 || be32(b + 23) < count - 1
		    : count < 1 || be32(b + 23) != count - 1)
		finding(c,
			"%s: batch at %" PRId64 ": %" PRId64 " records, last"
			" offset delta %" PRId64,
			name, position, count, be32(b + 23));
	if (!c->gaps &&
		(be64(b + 43) != -1 || be16(b + 51) != -1 ||
			be32(b + 53) != -1))
		finding(c, "%s: batch at %" PRId64 ": a producer id", name,
			position);
	if (c->gaps ? be64(b) < c->next : be64(b) != c->next)
		finding(c,
			"%s: batch at %" PRId64 ": offset %" PRId64
			", expected %" PRId64,
			name, position, be64(b), c->next);
	if (epoch < c->last_epoch)
		finding(c,
			"%s: batch at %" PRId64 ": leader epoch %" PRId64
			" after %" PRId64,
			name, position, epoch, c->last_epoch);
	/* what lies before the log start has no line any more */
	if (c->epoch_count > 0 && epoch_of(c, be64(b)) != epoch &&
		!(c->gaps && be64(b) < c->epochs[0].start))
		finding(c,
			"%s: batch at %" PRId64 ": leader epoch %" PRId64
			", leader-epoch-checkpoint says %" PRId64,
			name, position, epoch, epoch_of(c, be64(b)));
	c->last_epoch = epoch;
}

/* The size of the batch at `at`, 0 when it is not whole. */
static size_t
batch_size(const struct file *log, size_t at)
{
	int64_t length;

	if (log->size - at < HEADER)
		return 0;
	length = be32(log->data + at + 8);
	if (length < HEADER - 12 || (uint64_t)length + 12 > log->size - at)
		return 0;
	return (size_t)length + 12;
}

static void
check_log(struct check *c, const char *name, const struct file *log)
{
	int64_t newest = -1;
	size_t size;

	c->place_count = 0;
	for (size_t at = 0; at < log->size; at += size) {
		const uint8_t *b = log->data + at;
		struct place *place;

		size = batch_size(log, at);
		if (size == 0) {
			finding(c, "%s: no whole batch at %zu of %zu", name, at,
				log->size);
			return;
		}
		check_header(c, name, (int64_t)at, b, size);
		if ((b[22] & 7) == 0)
			check_records(c, name, (int64_t)at, b, size);
		if (c->batches)
			printf("%" PRId64 " %" PRId64 " %zu %zu %d %" PRId64
			       "\n",
				be64(b), be64(b) + be32(b + 23), at, size,
				b[22] & 7, be32(b + 12));
		c->places = more(
			c->places, c->place_count + 1, sizeof(*c->places));
		place = &c->places[c->place_count++];
		place->raises = be64(b + 35) > newest;
		if (place->raises)
			newest = be64(b + 35);
		place->last_offset = be64(b) + be32(b + 23);
		place->position = (int64_t)at;
		place->max_timestamp = newest;
		c->next = place->last_offset + 1;
		c->record_total += be32(b + 57);
		c->batch_total++;
	}
	c->bytes_total += (int64_t)log->size;
}

/* ---- indexes ---------------------------------------------------------- */

static void
check_index(struct check *c, const char *name, int64_t base,
	const struct file *index)
{
	size_t entries = index->size / 8, entry = 0;
	int64_t indexed = 0;

	if (index->size % 8 != 0)
		finding(c, "%s: %zu bytes are no whole entries", name,
			index->size);
	for (size_t i = 0; i < c->place_count; i++) {
		const struct place *place = &c->places[i];
		const uint8_t *e = index->data + entry * 8;
		bool named = entry < entries &&
			be32(e) + base == place->last_offset;

		if (named && be32(e + 4) != place->position)
			finding(c,
				"%s: entry %zu: offset %" PRId64 " at %" PRId64
				", its batch is at %" PRId64,
				name, entry, place->last_offset, be32(e + 4),
				place->position);
		if (named && i == 0)
			finding(c, "%s: names the first batch", name);
		if (c->interval >= 0 &&
			named != (place->position - indexed > c->interval))
			finding(c, "%s: the batch at %" PRId64 " is %s", name,
				place->position,
				named ? "named too early" : "left out");
		if (named) {
			indexed = place->position;
			entry++;
		}
	}
	if (entry < entries)
		finding(c,
			"%s: entry %zu of %zu (offset %" PRId64
			", position %" PRId64 ") leads to no batch",
			name, entry, entries,
			be32(index->data + entry * 8) + base,
			be32(index->data + entry * 8 + 4));
}

static void
check_timeindex(struct check *c, const char *name, int64_t base, bool active,
	const struct file *index)
{
	size_t entries = index->size / 12, entry = 0;
	int64_t newest = -1;

	if (index->size % 12 != 0)
		finding(c, "%s: %zu bytes are no whole entries", name,
			index->size);
	for (size_t i = 0; i < c->place_count && entry < entries; i++) {
		const struct place *place = &c->places[i];
		const uint8_t *e = index->data + entry * 12;

		if (be32(e + 8) + base != place->last_offset)
			continue;
		if (!place->raises || be64(e) != place->max_timestamp)
			finding(c,
				"%s: entry %zu: time %" PRId64
				" for offset %" PRId64,
				name, entry, be64(e), place->last_offset);
		newest = be64(e);
		entry++;
	}
	if (entry < entries)
		finding(c, "%s: entry %zu of %zu leads to no batch", name,
			entry, entries);
	if (!active && c->place_count > 0 &&
		newest != c->places[c->place_count - 1].max_timestamp)
		finding(c,
			"%s: a closed segment's last entry is not its newest "
			"time",
			name);
}

/* ---- the directory ---------------------------------------------------- */

static void
check_segment(struct check *c, size_t i)
{
	int64_t base = c->bases[i];
	struct file log, index;
	char name[64];

	snprintf(name, sizeof(name), "%020" PRId64 ".log", base);
	if (!slurp(c->dir, name, &log))
		die(name);
	if (c->gaps ? base < c->next : base != c->next)
		finding(c, "%s: begins at another offset than %" PRId64, name,
			c->next);
	if (c->segment_bytes > 0 && (int64_t)log.size > c->segment_bytes)
		finding(c, "%s: %zu bytes, more than a segment has", name,
			log.size);
	if (log.size == 0 && i + 1 < c->base_count && !c->gaps)
		finding(c, "%s: a closed segment is empty", name);
	check_log(c, name, &log);
	free(log.data);

	snprintf(name, sizeof(name), "%020" PRId64 ".index", base);
	if (slurp(c->dir, name, &index)) {
		check_index(c, name, base, &index);
		free(index.data);
	} else {
		finding(c, "%s: missing", name);
	}
	snprintf(name, sizeof(name), "%020" PRId64 ".timeindex", base);
	if (slurp(c->dir, name, &index)) {
		check_timeindex(c, name, base, i + 1 == c->base_count, &index);
		free(index.data);
	} else {
		finding(c, "%s: missing", name);
	}
}

static bool
segment_file(const char *name, const char *suffix, int64_t *base)
{
	if (strspn(name, "0123456789") != 20 || strcmp(name + 20, suffix) != 0)
		return false;
	*base = strtoll(name, NULL, 10);
	return true;
}

static bool
known_file(const char *name)
{
	static const char *const known[] = { ".", "..", ".klog", ".klog.clean",
		".klog.lock", ".klog.removed", "leader-epoch-checkpoint",
		"partition.metadata" };
	int64_t base;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return segment_file(name, ".index", &base) ||
		segment_file(name, ".timeindex", &base);
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
list(struct check *c)
{
	DIR *dir = opendir(c->dir);
	struct dirent *entry;
	int64_t base;

	if (dir == NULL)
		die(c->dir);
	while ((entry = readdir(dir)) != NULL) {
		if (segment_file(entry->d_name, ".log", &base)) {
			c->bases = more(
				c->bases, c->base_count + 1, sizeof(*c->bases));
			c->bases[c->base_count++] = base;
		} else if (!known_file(entry->d_name)) {
			finding(c, "%s: a stray file", entry->d_name);
		}
	}
	closedir(dir);
	if (c->base_count > 0)
		qsort(c->bases, c->base_count, sizeof(*c->bases), ascending);
}

static void
read_epochs(struct check *c)
{
	static const char name[] = "leader-epoch-checkpoint";
	long long version, count, epoch, start;
	int used = 0, at = 0;
	struct file f;

	if (!slurp(c->dir, name, &f)) {
		finding(c, "%s: missing", name);
		return;
	}
	if (f.size > 0 &&
		(sscanf((char *)f.data, "%lld\n%lld\n%n", &version, &count,
			 &at) != 2 ||
			version != 0 || f.data[f.size - 1] != '\n'))
		finding(c, "%s: not a checkpoint of version 0", name);
	while (f.size > (size_t)at &&
		sscanf((char *)f.data + at, "%lld %lld\n%n", &epoch, &start,
			&used) == 2) {
		c->epochs = more(
			c->epochs, c->epoch_count + 1, sizeof(*c->epochs));
		if (c->epoch_count > 0 &&
			(epoch <= c->epochs[c->epoch_count - 1].epoch ||
				start < c->epochs[c->epoch_count - 1].start))
			finding(c, "%s: line %zu goes back", name,
				c->epoch_count + 3);
		c->epochs[c->epoch_count].epoch = epoch;
		c->epochs[c->epoch_count++].start = start;
		at += used;
	}
	if (f.size > 0 &&
		((size_t)at != f.size || c->epoch_count != (size_t)count))
		finding(c, "%s: %lld entries promised, %zu found", name, count,
			c->epoch_count);
	free(f.data);
}

int
main(int argc, char **argv)
{
	struct check c = { .interval = -1, .last_epoch = -1 };
	int opt;

	while ((opt = getopt(argc, argv, "bgqi:s:")) != -1) {
		if (opt == 'b')
			c.batches = true;
		else if (opt == 'g')
			c.gaps = true;
		else if (opt == 'q')
			c.quiet = true;
		else if (opt == 'i')
			c.interval = strtoll(optarg, NULL, 10);
		else if (opt == 's')
			c.segment_bytes = strtoll(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr,
			"usage: partition-check [-b | -q] [-g]"
			" [-i INTERVAL] [-s SEGMENT-BYTES] DIR\n");
		return 2;
	}
	c.dir = argv[optind];
	crc_init();
	list(&c);
	read_epochs(&c);
	if (c.base_count > 0)
		c.next = c.bases[0];
	for (size_t i = 0; i < c.base_count; i++)
		check_segment(&c, i);
	if (c.quiet)
		printf("segments %zu batches %" PRId64 " records %" PRId64
		       " next %" PRId64 " bytes %" PRId64 "\n",
			c.base_count, c.batch_total, c.record_total, c.next,
			c.bytes_total);
	if (c.findings > FINDINGS_MAX)
		fprintf(stderr, "partition-check: %d findings in all\n",
			c.findings);
	free(c.bases);
	free(c.epochs);
	free(c.places);
	if (fflush(stdout) != 0)
		die("stdout");
	return c.findings > 0;
}
