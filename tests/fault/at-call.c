/*
 * at-call - gives a program a signal as it enters its n-th system call.
 *
 *	at-call N SIGNAL COMMAND [ARG...]
 *
 * SIGNAL is KILL, TERM, INT or HUP.  Calls count from the one that opens the
 * cluster, KLOG_CLUSTER.  The program's output and status are passed on, and
 * its input is /dev/null.  N = 0: nothing is done, and the number of calls is
 * the last line on standard error.
 */
#include "run.h"

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int number;
	} list[] = { { "KILL", SIGKILL }, { "TERM", SIGTERM },
		{ "INT", SIGINT }, { "HUP", SIGHUP } };
	const char *cluster = getenv("KLOG_CLUSTER");
	static struct run run;
	int sig = 0;
	long at;

	for (size_t i = 0; argc > 3 && i < sizeof(list) / sizeof(*list); i++)
		if (strcmp(list[i].name, argv[2]) == 0)
			sig = list[i].number;
	if (sig == 0 || cluster == NULL) {
		fprintf(stderr,
			"usage: at-call N KILL|TERM|INT|HUP COMMAND "
			"[ARG...]\n");
		return 2;
	}
	at = strtol(argv[1], NULL, 10);
	(void)run_traced(
		&run, argv + 3, "/dev/null", cluster, at, sig, NULL, NULL);
	fwrite(run.out.data, 1, run.out.size, stdout);
	fwrite(run.err.data, 1, run.err.size, stderr);
	if (at == 0)
		fprintf(stderr, "%ld\n", run.calls);
	return run.status;
}
