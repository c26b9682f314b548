/*
 * latency - how long a line takes from one command's input to another's
 * output.
 *
 *	latency COUNT WRITER READER
 *
 * Both are lines of shell, started together.  COUNT lines go to WRITER's
 * stdin, each after the one before came out of READER and 2 ms have passed;
 * prints the median and the 99th percentile in microseconds.  The first lines
 * are not counted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 50
#define PAUSE_NS 2000000
#define PATIENCE_MS 10000

static pid_t children[2];

static void
die(const char *what)
{
	fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
	for (int i = 0; i < 2; i++)
		if (children[i] > 0)
			kill(-children[i], SIGKILL);
	exit(1);
}

static double
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

/* Starts a line of shell in a process group; returns our end of the pipe
 * that is its stdin or stdout. */
static int
start(const char *line, int fd, pid_t *child)
{
	int ends[2];
	int theirs = fd == STDIN_FILENO ? 0 : 1;

	if (pipe(ends) != 0)
		die("pipe");
	*child = fork();
	if (*child < 0)
		die("fork");
	if (*child == 0) {
		setpgid(0, 0);
		dup2(ends[theirs], fd);
		close(ends[0]);
		close(ends[1]);
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	setpgid(*child, *child);
	close(ends[theirs]);
	return ends[1 - theirs];
}

/* Reads until a line ends. */
static void
take_line(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	ssize_t n;

	do {
		int r = poll(&ready, 1, PATIENCE_MS);

		if (r == 0)
			errno = ETIMEDOUT;
		if (r <= 0)
			die("waiting for a line");
		n = read(fd, bytes, sizeof(bytes));
		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			die("reading a line");
	} while (bytes[n - 1] != '\n');
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	long count = argc == 4 ? atol(argv[1]) : 0;
	double *took;
	int in, out;

	if (count < 1) {
		fprintf(stderr, "usage: latency COUNT WRITER READER\n");
		return 2;
	}
	took = calloc((size_t)count, sizeof(*took));
	if (took == NULL)
		die("calloc");
	signal(SIGPIPE, SIG_IGN);
	out = start(argv[3], STDOUT_FILENO, &children[1]);
	in = start(argv[2], STDIN_FILENO, &children[0]);

	for (long i = -WARM_UP; i < count; i++) {
		char line[64];
		int size = snprintf(line, sizeof(line), "line %ld\n", i);
		double begun = microseconds();

		if (write(in, line, (size_t)size) != size)
			die("writing a line");
		take_line(out);
		if (i >= 0)
			took[i] = microseconds() - begun;
		nanosleep(&pause, NULL);
	}
	close(in);
	waitpid(children[0], NULL, 0);
	kill(-children[1], SIGTERM);
	waitpid(children[1], NULL, 0);

	qsort(took, (size_t)count, sizeof(*took), ascending);
	printf("%.1f %.1f\n", took[count / 2], took[count * 99 / 100]);
	free(took);
	return 0;
}
