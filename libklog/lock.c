#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "time.h"

#define TICK_MS 50          /* how often a wait looks up */
#define NAME_HOLDER_MS 1000 /* when it says who holds the lock */

static struct flock
range(short type, int byte, int count)
{
	struct flock fl;

	memset(&fl, 0, sizeof(fl)); /* l_pid must be 0 for OFD locks */
	fl.l_type = type;
	fl.l_whence = SEEK_SET;
	fl.l_start = byte;
	fl.l_len = count;
	return fl;
}

static int
fail_lock(struct klog_err *err, const char *what)
{
	if (errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: this file system has no byte locks (%s); "
			"writing needs a local one",
			what, strerror(errno));
	return klog_fail_errno(err, "%s: lock", what);
}

/* The signals whose default is to end or stop and that can be held. */
static void
ending_signals(sigset_t *set)
{
	static const int list[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP,
		SIGTTIN, SIGTTOU, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM,
		SIGPROF, SIGXCPU };
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sigaddset(set, list[i]);
}

void
klog_signals_hold(sigset_t *before)
{
	sigset_t set;

	ending_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

void
klog_signals_release(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- who holds it ---- */

/* Whether an fdinfo file has a write lock on the byte of this inode. */
static bool
fdinfo_holds(int dir, const char *name, const struct stat *file, int byte)
{
	char text[4096], *line;
	char want[64];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	snprintf(want, sizeof(want), " %02x:%02x:%ju ", major(file->st_dev),
		minor(file->st_dev), (uintmax_t)file->st_ino);
	for (line = strstr(text, "lock:"); line != NULL;
		line = strstr(line + 1, "lock:")) {
		char *end = strchr(line, '\n');
		char *at;
		long long from, to;

		if (end != NULL)
			*end = '\0';
		at = strstr(line, want);
		if (at != NULL && strstr(line, "OFDLCK") != NULL &&
			strstr(line, "WRITE") != NULL) {
			int k = sscanf(
				at + strlen(want), "%lld %lld", &from, &to);

			if (k >= 1 && from <= byte && (k == 1 || to >= byte))
				return true;
		}
		if (end == NULL)
			break;
		*end = '\n';
	}
	return false;
}

static bool
process_holds(const char *pid, const struct stat *file, int byte)
{
	char path[64];
	DIR *d;
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
	d = opendir(path);
	if (d == NULL)
		return false;
	while (!found && (entry = readdir(d)) != NULL)
		found = fdinfo_holds(dirfd(d), entry->d_name, file, byte);
	closedir(d);
	return found;
}

bool
klog_lock_held_by(int fd, int byte, int32_t pid)
{
	struct stat file;
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return fstat(fd, &file) == 0 && process_holds(text, &file, byte);
}

void
klog_lock_holder(int fd, int byte, char text[KLOG_HOLDER_TEXT])
{
	struct stat file;
	struct dirent *entry;
	DIR *d;

	snprintf(text, KLOG_HOLDER_TEXT, "another process");
	d = opendir("/proc");
	if (d == NULL || fstat(fd, &file) == -1) {
		if (d != NULL)
			closedir(d);
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		char path[64], name[32] = "";
		FILE *f;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
			strtol(entry->d_name, NULL, 10) == getpid() ||
			!process_holds(entry->d_name, &file, byte))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
		f = fopen(path, "re");
		if (f != NULL) {
			if (fgets(name, sizeof(name), f) == NULL)
				name[0] = '\0';
			name[strcspn(name, "\n")] = '\0';
			fclose(f);
		}
		snprintf(text, KLOG_HOLDER_TEXT, "process %.20s (%s)",
			entry->d_name, name);
		break;
	}
	closedir(d);
}

/* ---- waiting ---- */

static void
wake(int sig)
{
	(void)sig;
}

static int
tick_signal(void)
{
	return SIGRTMIN + 2;
}

/*
 * A repeating tick to this thread: one shot could fire before the call
 * sleeps, and the wait would be for ever (L4).  The handler stays: another
 * thread may wait, too.
 */
static int
start_ticking(timer_t *timer)
{
	sigset_t tick;
	struct sigevent ev;
	struct sigaction sa;
	struct itimerspec every;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = wake;
	if (sigaction(tick_signal(), &sa, NULL) == -1)
		return -1;
	sigemptyset(&tick);
	sigaddset(&tick, tick_signal());
	pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_signo = tick_signal();
	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, timer) == -1)
		return -1;
	memset(&every, 0, sizeof(every));
	every.it_interval.tv_nsec = TICK_MS * 1000000L;
	every.it_value = every.it_interval;
	timer_settime(*timer, 0, &every, NULL);
	return 0;
}

/* Held signals that came meanwhile end or stop the process here, where it
 * waits for a lock and does not hold it yet. */
static void
let_signals_in(const struct klog_wait *wait)
{
	const sigset_t *blocked = wait->blocked;
	sigset_t pending, ours, open;
	int sig;

	ending_signals(&ours);
	if (wait->no_stop) {
		sigdelset(&ours, SIGTSTP);
		sigdelset(&ours, SIGTTIN);
		sigdelset(&ours, SIGTTOU);
	}
	sigpending(&pending);
	sigemptyset(&open);
	for (sig = 1; sig < NSIG; sig++)
		if (sigismember(&pending, sig) == 1 &&
			sigismember(&ours, sig) == 1 &&
			(blocked == NULL || sigismember(blocked, sig) == 0))
			sigaddset(&open, sig);
	pthread_sigmask(SIG_UNBLOCK, &open, NULL);
	pthread_sigmask(SIG_BLOCK, &open, NULL);
}

static int
wait_for(int fd, int byte, int count, const struct klog_wait *wait,
	struct klog_err *err)
{
	int64_t since = klog_tick_ms();
	bool said = false;
	char who[KLOG_HOLDER_TEXT];
	timer_t timer;
	int r;

	if (start_ticking(&timer) == -1)
		return klog_fail_errno(err, "%s: timer", wait->what);
	for (;;) {
		struct flock fl = range(F_WRLCK, byte, count);
		int64_t waited;

		r = fcntl(fd, F_OFD_SETLKW, &fl);
		if (r == 0 || errno != EINTR) {
			if (r == -1)
				fail_lock(err, wait->what);
			break;
		}
		let_signals_in(wait);
		waited = klog_tick_ms() - since;
		if (wait->timeout_ms >= 0 && waited >= wait->timeout_ms) {
			klog_lock_holder(fd, byte, who);
			klog_fail(err, KLOG_ELOCKED,
				"%s: locked by %s for more than %jd ms; "
				"try again, or raise --lock-timeout",
				wait->what, who, (intmax_t)wait->timeout_ms);
			break;
		}
		if (!said && waited >= NAME_HOLDER_MS) {
			klog_lock_holder(fd, byte, who);
			klog_sayf(wait->say, 0,
				"%s: waiting for %s, which "
				"holds the lock",
				wait->what, who);
			said = true;
		}
	}
	timer_delete(timer);
	return r;
}

int
klog_lock_try(
	int fd, int byte, int count, const char *what, struct klog_err *err)
{
	struct flock fl = range(F_WRLCK, byte, count);

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 1;
	if (errno == EAGAIN || errno == EACCES)
		return 0;
	return fail_lock(err, what);
}

int
klog_lock(int fd, int byte, int count, const struct klog_wait *wait,
	struct klog_err *err)
{
	int r = klog_lock_try(fd, byte, count, wait->what, err);

	if (r == 0)
		return wait_for(fd, byte, count, wait, err);
	return r == 1 ? 0 : -1;
}

void
klog_unlock(int fd, int byte, int count)
{
	struct flock fl = range(F_UNLCK, byte, count);

	(void)fcntl(fd, F_OFD_SETLK, &fl);
}

int
klog_lock_share(int fd, const char *what, struct klog_err *err)
{
	struct flock fl = range(F_RDLCK, 0, 0);

	if (fcntl(fd, F_OFD_SETLK, &fl) == -1)
		return fail_lock(err, what);
	return 0;
}

static int
nobody_has(int fd, struct flock fl, const char *what, struct klog_err *err)
{
	if (fcntl(fd, F_OFD_GETLK, &fl) == -1)
		return fail_lock(err, what);
	return fl.l_type == F_UNLCK;
}

int
klog_lock_alone(int fd, const char *what, struct klog_err *err)
{
	return nobody_has(fd, range(F_WRLCK, 0, 0), what, err);
}

int
klog_lock_free(int fd, int byte, const char *what, struct klog_err *err)
{
	return nobody_has(fd, range(F_WRLCK, byte, 1), what, err);
}
