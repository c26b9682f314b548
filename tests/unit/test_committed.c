/* A group's offset file: its two slots, and what damage makes of them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libklog/committed.h"
#include "libklog/io.h"
#include "tap.h"

static int
new_file(void)
{
	return memfd_create("offset", MFD_CLOEXEC);
}

static void
commit(int fd, int64_t offset)
{
	struct klog_commits c;
	struct klog_err err;

	if (klog_commits_read(fd, &c, "t", &err) == -1)
		c.now.sequence = 0;
	c.now.offset = offset;
	c.now.epoch = 3;
	c.now.time_ms = 1700000000000 + offset;
	c.now.pid = 42;
	snprintf(c.now.member, sizeof(c.now.member), "0001-42-ab");
	snprintf(c.now.host, sizeof(c.now.host), "box.local");
	if (klog_commits_write(fd, &c, false, "t", &err) == -1)
		printf("# %s\n", err.text);
}

static void
slots(void)
{
	struct klog_commits c;
	struct klog_err err;
	int fd = new_file();

	is_int(klog_commits_read(fd, &c, "t", &err), 0, "an empty file");
	is_int(c.now.offset, -1, "is no commit");
	commit(fd, 10);
	is_int(klog_commits_read(fd, &c, "t", &err), 1, "one commit");
	is_int(c.now.offset, 10, "its offset");
	ok(!c.has_before && !c.torn, "and no other, and nothing torn");
	commit(fd, 20);
	commit(fd, 30);
	is_int(klog_commits_read(fd, &c, "t", &err), 1, "three commits");
	is_int(c.now.offset, 30, "the newest counts");
	ok(c.has_before && c.before.offset == 20, "the one before is there");
	is_int(c.now.epoch, 3, "epoch");
	is_int(c.now.time_ms, 1700000000030, "time");
	is_int(c.now.pid, 42, "pid");
	is_str(c.now.member, "0001-42-ab", "member");
	is_str(c.now.host, "box.local", "host");
	close(fd);
}

/* Cut at each byte, and each byte changed: one of the two commits, or words;
 * never an offset that nobody committed. */
static void
damage(void)
{
	struct klog_commits c;
	struct klog_err err;
	int fd = new_file(), r;
	int64_t size, at, wrong = 0, lost = 0, worse = 0, silent = 0;
	char byte, bad;

	commit(fd, 10);
	commit(fd, 20);
	size = klog_file_size(fd, "t", &err);
	for (at = size - 1; at > 0; at--) {
		int copy = new_file();
		char text[8192];

		if (pread(fd, text, (size_t)at, 0) != at ||
			pwrite(copy, text, (size_t)at, 0) != at)
			wrong++;
		r = klog_commits_read(copy, &c, "t", &err);
		if (r == 1)
			wrong += c.now.offset != 10;
		else
			lost += r != -1 || err.code != KLOG_ECORRUPT;
		worse += at >= 512 && r != 1;
		silent += at > 4096 && !c.torn;
		close(copy);
	}
	is_int(wrong, 0, "cut at each byte: no other offset");
	is_int(lost, 0, "or damage, never nothing");
	is_int(worse, 0, "while a slot is whole it is found");
	is_int(silent, 0, "and the torn one is noticed");
	wrong = lost = 0;
	for (at = 0; at < size; at++) {
		if (pread(fd, &byte, 1, at) != 1)
			break;
		bad = (char)(byte ^ 1);
		if (pwrite(fd, &bad, 1, at) != 1)
			break;
		r = klog_commits_read(fd, &c, "t", &err);
		if (r != 1)
			lost++;
		else
			wrong += c.now.offset != 20 && c.now.offset != 10;
		if (pwrite(fd, &byte, 1, at) != 1)
			break;
	}
	is_int(at, size, "each byte changed");
	is_int(wrong, 0, "no other offset");
	is_int(lost, 0, "the other slot is enough");
	close(fd);
}

/* A line that is whole, and whose numbers are not to be believed. */
static void
hostile(void)
{
	static const char *const lines[] = {
		"klog-offset 1 1 -2 0 0 0 1 m h",
		"klog-offset 0 1 5 0 0 0 1 m h",
		"klog-offset 1 1 5 2147483648 0 0 1 m h",
		"klog-offset 1 1 9223372036854775808 0 0 0 1 m h",
		"klog-offset 1 1 +5 0 0 0 1 m h",
		"klog-offset 1 1 05 0 0 0 1 m h",
		"klog-offset 1 1 5 0 0 0 1 m/../x h",
		"klog-offset 1 1 5 0 0 0 1 m h more",
		"klog-offset 1 1 5 0 0 0 1 m",
		"klog-offset",
		"",
	};
	struct klog_commits c;
	struct klog_err err;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char slot[512];
		int fd = new_file();

		klog_commits_slot(slot, lines[i]);
		ok(pwrite(fd, slot, sizeof(slot), 0) == (ssize_t)sizeof(slot) &&
				klog_commits_read(fd, &c, "t", &err) == -1 &&
				err.code == KLOG_ECORRUPT,
			"refused: '%s'", lines[i]);
		close(fd);
	}
}

int
main(void)
{
	slots();
	damage();
	hostile();
	return done();
}
