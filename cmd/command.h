/*
 * A COMMAND that is given bytes on its stdin.  No shell is run, it dies with
 * this process, and it holds none of its locks.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/resource.h>

#include "libklog/err.h"

enum { COMMAND_TIMED_OUT = 124 }; /* as timeout(1) ends */

struct command {
	char *const *argv;
	int64_t timeout_ms;         /* -1: none */
	const struct rlimit *files; /* RLIMIT_NOFILE that it gets, or NULL */
	char *program;              /* where it was found */
};

/* Once, before the first is run: finds the program as execvp(3) does, but that
 * a file which is none is not given to a shell; and signals as it needs them. */
int command_init(struct command *command, struct klog_err *err);
void command_free(struct command *command);

/*
 * Runs it, and waits for its end, read or not: *status is its exit status, 128
 * and the signal that ended it, or COMMAND_TIMED_OUT.  -1 when it could not be
 * started.  Its environment is this process's.
 */
int command_run(const struct command *command, struct klog_slice input,
	int *status, struct klog_err *err);

#endif
