/*
 * timer - what a command costs.
 *
 *	timer [-n TIMES] [-i STDIN] [-o STDOUT] -t RESULT COMMAND [ARG...]
 *
 * Runs COMMAND TIMES times, one after the other, and appends a line to
 * RESULT: wall-clock seconds, CPU seconds (user and system, of all processes
 * that it waited for), and the largest resident set of one of them in KiB.
 * STDIN is opened afresh for each time, STDOUT is appended to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
die(const char *what)
{
	fprintf(stderr, "timer: %s: %s\n", what, strerror(errno));
	exit(125);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void
become(const char *path, int flags, int fd)
{
	int opened = open(path, flags, 0666);

	if (opened < 0 || dup2(opened, fd) < 0)
		die(path);
	close(opened);
}

static void
run(const char *in, const char *out, char **argv)
{
	int status;
	/* vfork shares the memory, so that fork's cost and this program's
	 * resident set do not count for the command. */
	pid_t child = vfork();

	if (child < 0)
		die("vfork");
	if (child == 0) {
		if (in != NULL)
			become(in, O_RDONLY, STDIN_FILENO);
		if (out != NULL)
			become(out, O_WRONLY | O_CREAT | O_APPEND,
				STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0)
		die("waitpid");
	if (status != 0) {
		fprintf(stderr, "timer: %s: wait status %d\n", argv[0], status);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	const char *in = NULL, *out = NULL, *result = NULL;
	long times = 1;
	struct rusage used;
	double wall, cpu;
	FILE *to;
	int opt;

	while ((opt = getopt(argc, argv, "+n:i:o:t:")) != -1)
		switch (opt) {
		case 'n':
			times = atol(optarg);
			break;
		case 'i':
			in = optarg;
			break;
		case 'o':
			out = optarg;
			break;
		case 't':
			result = optarg;
			break;
		default:
			return 2;
		}
	if (optind == argc || result == NULL)
		return 2;

	wall = seconds();
	for (long i = 0; i < times; i++)
		run(in, out, argv + optind);
	wall = seconds() - wall;

	getrusage(RUSAGE_CHILDREN, &used);
	cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	to = fopen(result, "a");
	if (to == NULL)
		die(result);
	fprintf(to, "%.6f %.6f %ld\n", wall, cpu, used.ru_maxrss);
	if (fclose(to) != 0)
		die(result);
	return 0;
}
