/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the user that gets a message on its standard input, and has taken it when it ends
 * with 0. It runs in a process group of its own, which is killed when its time is over; it has the
 * ingestor's environment, and writes to its log. Used by the sender's thread alone.
 */
#ifndef INGESTOR_ALERTS_ALERT_COMMAND_H
#define INGESTOR_ALERTS_ALERT_COMMAND_H

#include "common/base/time/clock.h"
#include "ingestor/alerts/alert_job.h"

struct alert_command {
    struct alert_job *job; /* borrowed */
    int pid;               /* of the program; 0: there is none */
    int fd;                /* becomes readable when the program ends; a pidfd */
    mono_time until;       /* when its time is over */
};

/* Starts the program. err says why it cannot be started. */
int alert_command_start(struct alert_command *command, struct alert_job *job, mono_time now,
                        struct error *err);

/* True when the program has ended, or its time is over; the job says what came of it. */
bool alert_command_done(struct alert_command *command, mono_time now);

/* Kills it. */
void alert_command_stop(struct alert_command *command);

#endif
