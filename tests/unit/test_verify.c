/*
 * klog_verify finds every bit that is flipped: over a partition with every
 * codec, closed segments and two leader epochs, and nothing when none is.
 * With an argument: every bit of every file, which takes minutes.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libklog/bytes.h"
#include "tap.h"

#define FLIPS 1000
#define TOPIC "t"
#define MS INT64_C(1700000000000)

static char root[] = "/tmp/klog-verify-XXXXXX";
static char cluster[64];

struct file {
	char name[256];
	int64_t size;
};
static struct file files[64];
static size_t file_count;
static int64_t total;

static void
must(int r, const struct klog_err *err)
{
	if (r != -1)
		return;
	printf("Bail out! %s\n", err->text);
	exit(1);
}

/* ---- the partition ---- */

static void
append(struct klog *klog, const char *codec, int64_t ms, size_t count)
{
	const struct klog_setting settings[] = { { "compression.type",
		codec } };
	const struct klog_produce how = {
		.settings = settings, .setting_count = 1, .partition = -1
	};
	struct klog_record rec = { .partition = -1 };
	struct klog_producer *p;
	struct klog_err err;
	char value[64];
	size_t i, taken;

	p = klog_producer_open(klog, TOPIC, &how, &err);
	must(p == NULL ? -1 : 0, &err);
	for (i = 0; i < count; i++) {
		int n = snprintf(value, sizeof(value), "%s: value %zu of %zu",
			codec, i, count);

		rec.value.data = (const uint8_t *)value;
		rec.value.size = (size_t)n;
		rec.key = rec.value;
		rec.key.size = i % 3 == 0 ? 4 : 0;
		if (rec.key.size == 0)
			rec.key.data = NULL;
		rec.timestamp_ms = ms + (int64_t)i;
		must(klog_producer_put(p, &rec, 1, &taken, &err), &err);
	}
	must(klog_producer_close(p, &err), &err);
}

static void
fill(void)
{
	static const char *const codecs[] = { "none", "gzip", "snappy", "lz4",
		"zstd" };
	const struct klog_setting settings[] = {
		{ "index.interval.bytes", "200" }, { "segment.ms", "10000" }
	};
	const struct klog_create create = { 1, settings, 2, -1, NULL };
	struct klog_err err;
	struct klog *klog;
	int round, i;

	must(klog_topic_create(cluster, NULL, TOPIC, &create, &err), &err);
	klog = klog_open(cluster, NULL, &err);
	must(klog == NULL ? -1 : 0, &err);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 10; i++)
			append(klog, codecs[i % 5],
				MS + round * 20000 + i * 100, 3);
		/* a copy begins a leader epoch */
		if (round < 2 &&
			system("cd \"$C\" && cp -r t u && rm -r t && "
			       "mv u t") != 0)
			must(-1, &err);
	}
	klog_close(klog);
}

static void
list(const char *dir)
{
	char path[600];
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (stat(path, &st) == -1 || !S_ISREG(st.st_mode) ||
			st.st_size == 0)
			continue;
		snprintf(files[file_count].name, sizeof(files[0].name), "%s",
			e->d_name);
		files[file_count].size = st.st_size;
		total += st.st_size;
		file_count++;
	}
	if (d != NULL)
		closedir(d);
}

/* ---- flips ---- */

struct seen {
	int findings;
	bool here;  /* in the file */
	bool place; /* where the bit is */
	char what[300];
};

static void
verify(struct klog *klog, const char *file, int64_t at, struct seen *seen)
{
	struct klog_finding f;
	struct klog_verify *v;
	struct klog_err err;
	int r;

	memset(seen, 0, sizeof(*seen));
	v = klog_verify_open(klog, TOPIC, -1, &err);
	must(v == NULL ? -1 : 0, &err);
	while ((r = klog_verify_next(v, &f, &err)) == 1) {
		const char *name = strrchr(f.file, '/') + 1;

		if (seen->findings == 0)
			snprintf(seen->what, sizeof(seen->what),
				"%s %" PRId64 "+%" PRId64 " %s", name,
				f.position, f.size, f.what);
		if (f.severity != KLOG_FOUND_LEFTOVER)
			seen->findings++;
		if (file == NULL || strcmp(name, file) != 0)
			continue;
		seen->here = true;
		if (f.position <= at && at < f.position + f.size)
			seen->place = true;
	}
	must(r, &err);
	klog_verify_close(v);
}

static void
flip(const char *file, int64_t at, int bit)
{
	char path[600];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof(path), "%s/t/0/%s", cluster, file);
	fd = open(path, O_RDWR);
	if (fd == -1 || pread(fd, &byte, 1, at) != 1)
		abort();
	byte ^= (uint8_t)(1 << bit);
	if (pwrite(fd, &byte, 1, at) != 1)
		abort();
	close(fd);
}

static int64_t missed, elsewhere, misplaced, many;

static void
try(struct klog *klog, int64_t n, int bit)
{
	struct seen seen;
	size_t i = 0;

	while (n >= files[i].size)
		n -= files[i++].size;
	flip(files[i].name, n, bit);
	verify(klog, files[i].name, n, &seen);
	flip(files[i].name, n, bit);
	missed += seen.findings == 0;
	many += seen.findings > 1;
	elsewhere += seen.findings > 0 && !seen.here;
	misplaced += seen.here && !seen.place;
	if (seen.findings != 1 || !seen.place)
		printf("# %s byte %" PRId64 " bit %d: %d findings, %s\n",
			files[i].name, n, bit, seen.findings, seen.what);
}

static int
work(int argc)
{
	struct seen seen;
	struct klog_err err;
	struct klog *klog;
	uint64_t x = 88172645463325252u;
	int64_t i;

	klog = klog_open(cluster, NULL, &err);
	must(klog == NULL ? -1 : 0, &err);
	verify(klog, NULL, 0, &seen);
	if (!is_int(seen.findings, 0, "nothing is found where nothing is"))
		printf("# %s\n", seen.what);
	for (i = 0; argc > 1 && i < total * 8; i++)
		try(klog, i / 8, (int)(i % 8));
	for (i = 0; argc == 1 && i < FLIPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		try(klog, (int64_t)(x % (uint64_t)(total * 8)) / 8,
			(int)(x >> 60 & 7));
	}
	is_int(missed, 0, "no flip is missed");
	is_int(elsewhere, 0, "each is found in its file");
	is_int(misplaced, 0, "each finding has the bit in its range");
	is_int(many, 0, "each is one finding");
	verify(klog, NULL, 0, &seen);
	is_int(seen.findings, 0, "nothing is found when all are put back");
	klog_close(klog);
	return done();
}

int
main(int argc, char **argv)
{
	char dir[600], command[600];
	int r;

	(void)argv;
	if (mkdtemp(root) == NULL)
		return 1;
	snprintf(cluster, sizeof(cluster), "%s/c", root);
	setenv("C", cluster, 1);
	snprintf(dir, sizeof(dir), "%s/t/0", cluster);
	fill();
	list(dir);
	r = work(argc);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command) == 0 ? r : 1;
}
