#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "crc32c.h"
#include "index.h"
#include "io.h"
#include "state.h"

#define SLOT KLOG_STATE_SLOT
#define SECOND_SLOT KLOG_STATE_SECOND /* another sector, and another page */
#define CRC_AT 508
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static const char magic[8] = "klogst1\n";

void
klog_state_init(
	struct klog_state *state, int64_t base, const uint8_t topic_id[16])
{
	memset(state, 0, sizeof(*state));
	memcpy(state->topic_id, topic_id, 16);
	state->epoch_start = base;
	state->log_start = base;
	state->active_base = base;
	state->next_offset = base;
	state->newest_ms = -1;
	state->newest_offset = base;
	state->time_indexed_ms = -1;
	state->first_ms = -1;
	state->recovery_offset = base;
	state->recovery_base = base;
	state->first_dirty = base;
	state->isr_count = 1;
}

static void
encode(const struct klog_state *s, uint8_t p[SLOT])
{
	size_t i;

	memset(p, 0, SLOT);
	memcpy(p, magic, 8);
	klog_set_be64(p + 8, s->sequence);
	memcpy(p + 16, s->stamp.boot, 16);
	klog_set_be64(p + 32, s->stamp.file_system);
	klog_set_be64(p + 40, s->stamp.device);
	klog_set_be64(p + 48, s->stamp.inode);
	memcpy(p + 56, s->topic_id, 16);
	klog_set_be32(p + 72, (uint32_t)s->leader_epoch);
	klog_set_be64(p + 76, (uint64_t)s->epoch_start);
	klog_set_be32(p + 84, (uint32_t)s->leader);
	klog_set_be32(p + 88, s->marks);
	klog_set_be64(p + 92, (uint64_t)s->log_start);
	klog_set_be64(p + 100, (uint64_t)s->active_base);
	klog_set_be64(p + 108, (uint64_t)s->length);
	klog_set_be64(p + 116, (uint64_t)s->next_offset);
	klog_set_be64(p + 124, (uint64_t)s->newest_ms);
	klog_set_be64(p + 132, (uint64_t)s->newest_offset);
	klog_set_be64(p + 140, (uint64_t)s->unindexed);
	klog_set_be32(p + 148, s->index_entries);
	klog_set_be32(p + 152, s->time_entries);
	klog_set_be64(p + 156, (uint64_t)s->time_indexed_ms);
	klog_set_be64(p + 164, (uint64_t)s->first_ms);
	klog_set_be64(p + 172, (uint64_t)s->recovery_offset);
	klog_set_be64(p + 180, (uint64_t)s->recovery_base);
	klog_set_be64(p + 188, (uint64_t)s->recovery_position);
	klog_set_be64(p + 196, (uint64_t)s->first_dirty);
	klog_set_be64(p + 204, (uint64_t)s->generation);
	p[212] = s->isr_count;
	for (i = 0; i < KLOG_ISR_MAX; i++)
		klog_set_be16(p + 213 + 2 * i, s->isr[i]);
	for (i = 0; i < KLOG_CHANGES; i++)
		klog_set_be64(p + 245 + 8 * i, s->change[i]);
	p[373] = s->left_count;
	for (i = 0; i < KLOG_LEFT_MAX; i++) {
		klog_set_be16(p + 374 + 10 * i, s->left[i].broker);
		klog_set_be64(p + 376 + 10 * i, s->left[i].change);
	}
	klog_set_be32(p + CRC_AT, klog_crc32c(p, CRC_AT));
}

static int64_t
signed64(const uint8_t *p)
{
	return (int64_t)klog_get_be64(p);
}

/* What a checksum does not say: that the numbers can be. */
static bool
sane(const struct klog_state *s)
{
	return s->sequence <= INT64_MAX && /* there is a next one */
		s->leader_epoch >= 0 && s->epoch_start >= 0 &&
		/* a cut begins one where it has not looked yet (F3) */
		(s->epoch_start <= s->next_offset ||
			s->marks & KLOG_MARK_SYNCING) &&
		s->log_start >= 0 && s->log_start <= s->next_offset &&
		s->active_base >= 0 && s->length >= 0 &&
		s->length <= INT32_MAX && s->next_offset >= s->active_base &&
		s->next_offset - s->active_base <= (int64_t)INT32_MAX + 1 &&
		(s->length > 0) == (s->next_offset > s->active_base) &&
		s->recovery_offset >= 0 && s->recovery_base >= 0 &&
		s->recovery_position >= 0 &&
		s->recovery_position <= INT32_MAX &&
		s->recovery_base <= s->active_base &&
		(s->recovery_position > 0 ||
			s->recovery_offset <= s->recovery_base) &&
		(s->recovery_base < s->active_base
				? s->recovery_offset <= s->active_base
				: s->recovery_position <= s->length) &&
		s->recovery_offset <= s->next_offset && s->unindexed >= 0 &&
		s->index_entries <= INT32_MAX / KLOG_INDEX_ENTRY &&
		s->time_entries <= INT32_MAX / KLOG_TIME_ENTRY &&
		s->isr_count <= KLOG_ISR_MAX && s->left_count <= KLOG_LEFT_MAX;
}

static bool
decode(const uint8_t p[SLOT], struct klog_state *s)
{
	size_t i;

	if (memcmp(p, magic, 8) != 0 ||
		klog_get_be32(p + CRC_AT) != klog_crc32c(p, CRC_AT))
		return false;
	memset(s, 0, sizeof(*s));
	s->sequence = klog_get_be64(p + 8);
	memcpy(s->stamp.boot, p + 16, 16);
	s->stamp.file_system = klog_get_be64(p + 32);
	s->stamp.device = klog_get_be64(p + 40);
	s->stamp.inode = klog_get_be64(p + 48);
	memcpy(s->topic_id, p + 56, 16);
	s->leader_epoch = (int32_t)klog_get_be32(p + 72);
	s->epoch_start = signed64(p + 76);
	s->leader = (int32_t)klog_get_be32(p + 84);
	s->marks = klog_get_be32(p + 88);
	s->log_start = signed64(p + 92);
	s->active_base = signed64(p + 100);
	s->length = signed64(p + 108);
	s->next_offset = signed64(p + 116);
	s->newest_ms = signed64(p + 124);
	s->newest_offset = signed64(p + 132);
	s->unindexed = signed64(p + 140);
	s->index_entries = klog_get_be32(p + 148);
	s->time_entries = klog_get_be32(p + 152);
	s->time_indexed_ms = signed64(p + 156);
	s->first_ms = signed64(p + 164);
	s->recovery_offset = signed64(p + 172);
	s->recovery_base = signed64(p + 180);
	s->recovery_position = signed64(p + 188);
	s->first_dirty = signed64(p + 196);
	s->generation = signed64(p + 204);
	s->isr_count = p[212];
	for (i = 0; i < KLOG_ISR_MAX; i++)
		s->isr[i] = klog_get_be16(p + 213 + 2 * i);
	for (i = 0; i < KLOG_CHANGES; i++)
		s->change[i] = klog_get_be64(p + 245 + 8 * i);
	s->left_count = p[373];
	for (i = 0; i < KLOG_LEFT_MAX; i++) {
		s->left[i].broker = klog_get_be16(p + 374 + 10 * i);
		s->left[i].change = klog_get_be64(p + 376 + 10 * i);
	}
	return sane(s);
}

int
klog_state_read(int fd, struct klog_state *state, struct klog_err *err)
{
	uint8_t page[SECOND_SLOT + SLOT];
	struct klog_state second;
	int tries;

	for (tries = 0; tries < 20; tries++) {
		size_t got;
		bool one, two;

		if (klog_read_at(fd, page, sizeof(page), 0, &got,
			    KLOG_STATE_NAME, err) == -1)
			return -1;
		one = got >= SLOT && decode(page, state);
		two = got == sizeof(page) &&
			decode(page + SECOND_SLOT, &second);
		if (two && (!one || second.sequence > state->sequence))
			*state = second;
		if (one || two)
			return 1;
	}
	return 0;
}

int
klog_state_look(int fd, struct klog_slots *slots, struct klog_err *err)
{
	uint8_t page[SECOND_SLOT + SLOT];
	struct klog_state ignored;
	int tries;
	size_t i, got;

	for (tries = 0; tries < 20; tries++) {
		if (klog_read_at(fd, page, sizeof(page), 0, &got,
			    KLOG_STATE_NAME, err) == -1)
			return -1;
		memset(page + got, 0, sizeof(page) - got);
		slots->whole[0] = decode(page, &ignored);
		slots->whole[1] = decode(page + SECOND_SLOT, &ignored);
		slots->padded = true;
		for (i = SLOT; i < SECOND_SLOT; i++)
			slots->padded &= page[i] == 0;
		if (slots->whole[0] && slots->whole[1])
			break;
	}
	slots->size = klog_file_size(fd, KLOG_STATE_NAME, err);
	return slots->size == -1 ? -1 : 0;
}

int
klog_state_read_of(int topic_dir, int32_t partition, struct klog_state *state,
	struct klog_err *err)
{
	char name[16];
	int dir, fd = -1, r = -1;

	snprintf(name, sizeof(name), "%" PRId32, partition);
	dir = klog_open_dir(topic_dir, name, err);
	if (dir != -1)
		fd = klog_open_file(dir, KLOG_STATE_NAME, O_RDONLY, err);
	if (fd != -1)
		r = klog_state_read(fd, state, err);
	klog_close_fd(&fd);
	klog_close_fd(&dir);
	return r;
}

/* Sequences alternate between the slots, so the older one is known. */
static int
write_slot(int fd, struct klog_state *state, struct klog_err *err)
{
	uint8_t slot[SLOT];

	/* it would be read as lost, and be made anew again and again */
	if (!sane(state))
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: what was found contradicts itself; look at it "
			"with klog-inspect --verify",
			KLOG_STATE_NAME);
	state->sequence++;
	encode(state, slot);
	return klog_write_at(fd, slot, SLOT,
		state->sequence % 2 != 0 ? 0 : SECOND_SLOT, NULL,
		KLOG_STATE_NAME, err);
}

int
klog_state_write(int fd, struct klog_state *state, struct klog_err *err)
{
	return write_slot(fd, state, err);
}

int
klog_state_commit(int fd, struct klog_state *state, struct klog_err *err)
{
	int i;

	for (i = 0; i < 2; i++)
		if (write_slot(fd, state, err) == -1 ||
			klog_sync_file(fd, KLOG_STATE_NAME, err) == -1)
			return -1;
	return 0;
}

int
klog_state_new_change(struct klog_state *state, struct klog_err *err)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return klog_fail_errno(err, "random id");
	memmove(state->change + 1, state->change,
		(KLOG_CHANGES - 1) * sizeof(state->change[0]));
	state->change[0] = id;
	return 0;
}

/* ---- the stamp ---- */

static bool
boot_id(uint8_t id[16])
{
	char text[64];
	size_t i, n = 0;
	ssize_t got;
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	memset(id, 0, 16);
	for (i = 0; i < (size_t)got && n < 32; i++) {
		char c = text[i];
		int v;

		if (c >= '0' && c <= '9')
			v = c - '0';
		else if (c >= 'a' && c <= 'f')
			v = c - 'a' + 10;
		else
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | v);
		n++;
	}
	return n == 32;
}

/* The inode number of /sys/fs/TYPE/DEV is new on each mount of the device,
 * and the same in every namespace. */
static uint64_t
mount_instance(const char *type, dev_t device)
{
	char path[128], link[256];
	const char *name;
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device),
		minor(device));
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return 0;
	link[n] = '\0';
	name = strrchr(link, '/');
	snprintf(path, sizeof(path), "/sys/fs/%s/%.64s", type,
		name != NULL ? name + 1 : link);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static uint64_t
btrfs_instance(int fd)
{
	struct btrfs_ioctl_fs_info_args info;
	char path[128] = "/sys/fs/btrfs/";
	size_t used = strlen(path), i;
	struct stat st;

	memset(&info, 0, sizeof(info));
	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) == -1)
		return 0;
	for (i = 0; i < 16; i++) {
		const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-"
									 : "";

		used += (size_t)snprintf(path + used, sizeof(path) - used,
			"%s%02x", dash, info.fsid[i]);
	}
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static uint64_t
file_system_instance(int fd, dev_t device)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return 0;
	switch ((uint32_t)fs.f_type) {
	case 0xEF53:
		return mount_instance("ext4", device);
	case 0x58465342:
		return mount_instance("xfs", device);
	case 0xF2F52010:
		return mount_instance("f2fs", device);
	case 0x9123683E:
		return btrfs_instance(fd);
	default:
		return 0;
	}
}

int
klog_stamp_now(int fd, struct klog_stamp *stamp, struct klog_err *err)
{
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (fstat(fd, &st) == -1)
		return klog_fail_errno(err, "%s", KLOG_STATE_NAME);
	errno = 0;
	if (!boot_id(stamp->boot)) {
		if (errno == EMFILE || errno == ENFILE)
			return klog_fail_errno(err, BOOT_ID);
		return klog_fail(err, KLOG_EREFUSED,
			BOOT_ID " cannot be read, so nobody could tell that "
				"the machine went down; mount /proc");
	}
	stamp->file_system = file_system_instance(fd, st.st_dev);
	stamp->device = st.st_dev;
	stamp->inode = st.st_ino;
	return 0;
}

static bool
same(uint64_t a, uint64_t b)
{
	return a == 0 || b == 0 || a == b;
}

bool
klog_stamp_same(const struct klog_stamp *a, const struct klog_stamp *b)
{
	return memcmp(a->boot, b->boot, 16) == 0 &&
		same(a->file_system, b->file_system) &&
		same(a->device, b->device) && same(a->inode, b->inode);
}

void
klog_stamp_update(struct klog_stamp *stamp, const struct klog_stamp *now)
{
	uint64_t file_system = now->file_system != 0 ? now->file_system
						     : stamp->file_system;

	*stamp = *now;
	stamp->file_system = file_system;
}

/* ---- network file systems ---- */

/* FUSE is as a rule local; virtiofs has the same number. */
static bool
is_virtiofs(int fd)
{
	struct stat st;
	char want[32], line[1024];
	bool found = false;
	FILE *f;

	if (fstat(fd, &st) == -1)
		return false;
	f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL)
		return false;
	snprintf(want, sizeof(want), " %u:%u ", major(st.st_dev),
		minor(st.st_dev));
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, want) != NULL &&
			strstr(line, " - virtiofs ") != NULL;
	fclose(f);
	return found;
}

const char *
klog_remote_file_system(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return NULL;
	switch ((uint32_t)fs.f_type) {
	case 0x6969:
		return "NFS";
	case 0x517B:
	case 0xFF534D42:
	case 0xFE534D42:
		return "SMB";
	case 0x01021997:
		return "9p";
	case 0x00C36400:
		return "Ceph";
	case 0x5346414F:
		return "AFS";
	case 0x65735546:
		return is_virtiofs(fd) ? "virtiofs" : NULL;
	default:
		return NULL;
	}
}

int
klog_refuse_remote(int fd, struct klog_err *err)
{
	const char *name = klog_remote_file_system(fd);
	const char *env = getenv("KLOG_REMOTE_FS");

	if (name == NULL || (env != NULL && strcmp(env, "1") == 0))
		return 0;
	return klog_fail(err, KLOG_EREFUSED,
		"on %s, where locks of other machines are not seen; write on a "
		"local disk, or set KLOG_REMOTE_FS=1 if this machine alone "
		"writes",
		name);
}

int64_t
klog_recovery_floor(const struct klog_state *s)
{
	return s->recovery_base == s->active_base ? s->recovery_position : 0;
}
