#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "libklog/time.h"

#define KILL_AFTER_MS 2000 /* of SIGTERM, when it took too long */

struct running {
	pid_t pid;
	int fd; /* tells its end */
	int in; /* its stdin, -1: closed */
};

/* The program of that name in PATH, malloc'ed, or NULL and errno. */
static char *
find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	struct stat st;
	int why = ENOENT;

	if (*name == '\0' || strchr(name, '/') != NULL)
		return strdup(name);
	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	for (;; path = end + 1) {
		char *file;

		end = strchrnul(path, ':');
		if (asprintf(&file, "%.*s%s%s", (int)(end - path), path,
			    end > path ? "/" : "./", name) == -1)
			return NULL;
		if (access(file, X_OK) == 0 && stat(file, &st) == 0 &&
			S_ISREG(st.st_mode))
			return file;
		if (errno == EACCES)
			why = EACCES;
		free(file);
		if (*end == '\0')
			break;
	}
	errno = why;
	return NULL;
}

int
command_init(struct command *command, struct klog_err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction fallback = { .sa_handler = SIG_DFL };

	/* one that reads nothing is no reason to end */
	sigaction(SIGPIPE, &ignore, NULL);
	/* whoever started this one may not have cared */
	sigaction(SIGCHLD, &fallback, NULL);
	command->program = find_program(command->argv[0]);
	return command->program != NULL
		? 0
		: klog_fail_errno(err, "%s", command->argv[0]);
}

void
command_free(struct command *command)
{
	free(command->program);
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* In the child: only what may be done between fork and exec. */
static _Noreturn void
become(const struct command *command, pid_t parent, int in, int failed)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };
	int why;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && dup2(in, STDIN_FILENO) != -1) {
		sigaction(SIGPIPE, &fallback, NULL);
		if (command->files != NULL)
			setrlimit(RLIMIT_NOFILE, command->files);
		execv(command->program, command->argv);
	}
	why = errno;
	(void)!write(failed, &why, sizeof(why));
	_exit(127);
}

/* The errno with which it could not become the command, or 0. */
static int
why_not(int fd)
{
	int why = 0;
	ssize_t n;

	do
		n = read(fd, &why, sizeof(why));
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(why) ? why : 0;
}

static int
start(const struct command *command, struct running *r, struct klog_err *err)
{
	int in[2] = { -1, -1 }, failed[2] = { -1, -1 };
	pid_t parent = getpid();
	int why = 0;

	r->fd = r->in = -1;
	r->pid = -1;
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(failed, O_CLOEXEC) == -1 ||
		(r->pid = fork()) == -1)
		why = errno;
	if (r->pid == 0)
		become(command, parent, in[0], failed[1]);
	close_fd(&in[0]);
	close_fd(&failed[1]);
	r->in = in[1];
	if (r->pid > 0) {
		why = why_not(failed[0]);
		r->fd = why == 0 ? pidfd_open(r->pid, 0) : -1;
		if (why == 0 && r->fd == -1)
			why = errno;
	}
	close_fd(&failed[0]);
	if (why == 0) {
		(void)fcntl(r->in, F_SETFL, O_NONBLOCK);
		return 0;
	}
	close_fd(&r->in);
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		(void)waitpid(r->pid, NULL, 0);
	}
	errno = why;
	return klog_fail_errno(err, "%s", command->argv[0]);
}

/* Gives it as much as it takes now. */
static void
feed(struct running *r, struct klog_slice *input)
{
	ssize_t n = write(r->in, input->data, input->size);

	if (n > 0) {
		input->data += n;
		input->size -= (size_t)n;
	} else if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		return;
	} else if (n == -1) {
		input->size = 0; /* it closed its stdin */
	}
	if (input->size == 0)
		close_fd(&r->in);
}

/* How long to wait for it, in ms; ends it when its time is over. */
static int
left(const struct command *command, const struct running *r, int64_t since,
	bool *late)
{
	int64_t ms;

	if (command->timeout_ms < 0)
		return -1;
	ms = since + command->timeout_ms - klog_tick_ms();
	if (*late) {
		ms += KILL_AFTER_MS;
		if (ms <= 0)
			kill(r->pid, SIGKILL);
	} else if (ms <= 0) {
		kill(r->pid, SIGTERM);
		*late = true;
		ms = KILL_AFTER_MS;
	}
	return ms <= 0 ? -1 : ms > 60000 ? 60000 : (int)ms;
}

int
command_run(const struct command *command, struct klog_slice input, int *status,
	struct klog_err *err)
{
	int64_t since = klog_tick_ms();
	struct running r;
	bool late = false;
	int end = 0;

	if (start(command, &r, err) == -1)
		return -1;
	for (;;) {
		struct pollfd fds[2] = { { r.fd, POLLIN, 0 },
			{ r.in, POLLOUT, 0 } };

		if (poll(fds, 2, left(command, &r, since, &late)) == -1)
			continue; /* a signal: it is waited for all the same */
		if (fds[0].revents != 0)
			break;
		if (r.in != -1 && fds[1].revents != 0)
			feed(&r, &input);
	}
	close_fd(&r.in);
	close_fd(&r.fd);
	while (waitpid(r.pid, &end, 0) == -1 && errno == EINTR)
		;
	*status = WIFEXITED(end) ? WEXITSTATUS(end) : 128 + WTERMSIG(end);
	if (late && *status != 0)
		*status = COMMAND_TIMED_OUT;
	return 0;
}
