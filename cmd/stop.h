/*
 * SIGTERM, SIGINT and SIGHUP for a tool that finishes what it has in hand:
 * the first is remembered, the second ends the process at once.  (The library
 * holds both while a batch is being written, so no batch is torn.)
 */
#ifndef STOP_H
#define STOP_H

#include <stdint.h>

/* From here on; a signal that was ignored before stays ignored. */
void stop_init(void);

/* The signal that came, or 0. */
int stop_signal(void);

/*
 * Waits until fd (or -1) has input, its end or an error, at most timeout_ms
 * (-1: for ever): 1, 0 when the time is over, -1 when a signal came that is
 * not `known` to the caller.  No signal slips between the look and the wait.
 */
int stop_wait(int fd, int64_t timeout_ms, int known);

/* Ends the process by the signal, as if it had never been caught. */
_Noreturn void stop_die(int signal);

#endif
