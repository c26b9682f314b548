/*
 * SIGTERM, SIGINT and SIGHUP for a tool that finishes what it has in hand:
 * the first is remembered, the second means at once.  The tool then lets the
 * library end the write that is under way, so that no batch is torn; should
 * that take longer than a second, the process ends by itself.
 */
#ifndef STOP_H
#define STOP_H

#include <stdint.h>

/* From here on; a signal that was ignored before stays ignored. */
void stop_init(void);

/* The first signal that came, or 0. */
int stop_signal(void);

/* The second one, or 0. */
int stop_at_once(void);

/*
 * Waits until fd (or -1) has input, its end or an error, at most timeout_ms
 * (-1: for ever): 1, 0 when the time is over, -1 when a signal came: a first
 * that is not `known` to the caller, or a second.  No signal slips between the
 * look and the wait.
 */
int stop_wait(int fd, int64_t timeout_ms, int known);

/* Ends the process by the signal, as if it had never been caught. */
_Noreturn void stop_die(int signal);

#endif
