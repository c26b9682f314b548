/*
 * Running a tool: its output is kept, and where wanted it is stopped at its
 * n-th system call, looked at, and given a signal there.
 */
#ifndef RUN_H
#define RUN_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S 60 /* longer than any of the runs here takes */

struct text {
	char *data;
	size_t size;
};

struct run {
	pid_t pid;
	int out_fd, err_fd;
	struct text out, err;
	int status; /* as $? would have it */

	int given_out; /* its stdout, when not 0; not kept then */

	/* of a traced one */
	bool of_children; /* it is not itself stopped, but what it runs */
	void (*each)(void *arg, uint64_t number); /* at each call, or NULL */
	long calls;      /* system calls since the cluster was opened */
	uint64_t number; /* of the call where it was stopped */
	bool changed;    /* the call before that may have changed a file */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "run: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int
scratch_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd == -1)
		die("memfd");
	return fd;
}

static void
slurp_fd(int fd, struct text *t)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		die("output");
	t->size = (size_t)st.st_size;
	t->data = realloc(t->data, t->size + 1);
	if (t->data == NULL ||
		pread(fd, t->data, t->size, 0) != (ssize_t)t->size)
		die("output");
	t->data[t->size] = '\0';
}

/* Starts argv with the environment `more` added to ours; traced, it waits
 * before its first instruction. */
static void
run_start(struct run *run, char *const *argv, char *const *more,
	const char *input, bool traced)
{
	run->out_fd = run->given_out != 0 ? run->given_out
					  : scratch_file("stdout");
	run->err_fd = scratch_file("stderr");
	run->calls = 0;
	alarm(LIMIT_S); /* SIGALRM: it hangs */
	run->changed = false;
	run->pid = fork();
	if (run->pid == -1)
		die("fork");
	if (run->pid == 0) {
		int in = open(input, O_RDONLY);

		if (in == -1 || dup2(in, 0) == -1 ||
			dup2(run->out_fd, 1) == -1 ||
			dup2(run->err_fd, 2) == -1 || setpgid(0, 0) == -1 ||
			prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
			_exit(121);
		close(in);
		for (; more != NULL && *more != NULL; more++)
			putenv(*more);
		if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(122);
		execvp(argv[0], argv);
		_exit(127);
	}
	setpgid(run->pid, run->pid);
}

static int
as_shell(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
run_output(struct run *run)
{
	if (run->given_out == 0) {
		slurp_fd(run->out_fd, &run->out);
		close(run->out_fd);
	}
	slurp_fd(run->err_fd, &run->err);
	close(run->err_fd);
}

/* ---- a traced one ----------------------------------------------------- */

/* Whether a call opens the cluster: nothing before it matters. */
static bool
opens(pid_t pid, const struct __ptrace_syscall_info *info, const char *cluster)
{
	char name[PATH_MAX] = "";
	struct iovec here = { name, strlen(cluster) + 1 };
	struct iovec there = { (void *)(uintptr_t)info->entry.args[1],
		strlen(cluster) + 1 };

	if (info->entry.nr != SYS_openat)
		return false;
	return process_vm_readv(pid, &here, 1, &there, 1, 0) > 0 &&
		strcmp(name, cluster) == 0;
}

static bool
changes(const struct __ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_openat:
		return (info->entry.args[2] & O_CREAT) != 0;
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_ftruncate:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_unlinkat:
	case SYS_linkat:
	case SYS_mkdirat:
	case SYS_fchmod:
	case SYS_fchown:
		return true;
	default:
		return false;
	}
}

/*
 * Runs argv and gives it the signal where it enters system call `at`, counted
 * over all threads from the one that opens the cluster; `look` is called
 * while it stands there.  True when it got that far.  With of_children it is a
 * process that it made: their calls count from the fork on, one after the
 * other.
 */
static bool
run_traced(struct run *run, char *const *argv, const char *input,
	const char *cluster, long at, int sig, void (*look)(void *arg),
	void *arg)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
		PTRACE_O_EXITKILL |
		(run->of_children ? PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC
				  : 0);
	bool begun = false, sent = false, attached = false, last = false;
	int status;
	pid_t pid;

	run_start(run, argv, NULL, input, true);
	while ((pid = waitpid(-run->pid, &status, __WALL)) != -1 ||
		errno == EINTR) {
		struct __ptrace_syscall_info info = { 0 };
		long pass = 0;

		if (pid == -1)
			continue;
		if (!WIFSTOPPED(status)) {
			if (pid == run->pid)
				run->status = as_shell(status);
			continue;
		}
		if (!attached) {
			if (ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == -1)
				die("ptrace");
			attached = true;
		} else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			bool enters = ptrace(PTRACE_GET_SYSCALL_INFO, pid,
					      sizeof(info), &info) > 0 &&
				info.op == PTRACE_SYSCALL_INFO_ENTRY;

			begun = begun || (enters && opens(pid, &info, cluster));
			if (enters && begun && run->each != NULL)
				run->each(arg, info.entry.nr);
			if (enters && !sent) {
				if (begun &&
					(!run->of_children ||
						pid != run->pid) &&
					++run->calls == at) {
					run->number = info.entry.nr;
					run->changed = last;
					sent = true;
					if (look != NULL)
						look(arg);
					kill(run->of_children ? pid : run->pid,
						sig);
				}
				last = changes(&info);
			}
		} else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP &&
			WSTOPSIG(status) != SIGTRAP) {
			pass = WSTOPSIG(status);
		}
		/* one that was killed meanwhile is not there */
		(void)ptrace(sent && run->each == NULL ? PTRACE_CONT
						       : PTRACE_SYSCALL,
			pid, NULL, pass);
	}
	run_output(run);
	return sent;
}

#endif
