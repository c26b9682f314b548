/* klog-alter --edit: a topic's topic.yaml in the user's editor. */
#ifndef EDIT_H
#define EDIT_H

#include "cli.h"

/*
 * Lets the user edit a copy, which is then checked and put in force.  What is
 * refused stays in the copy, whose place is said.  Answers the exit status.
 */
int edit_topic(struct cli *cli, struct klog *klog, const char *topic);

#endif
