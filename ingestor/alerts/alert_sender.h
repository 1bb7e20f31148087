/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages over: a thread of its own, because whoever is told may be slow, and says nothing
 * for minutes. Messages of different rules are under way side by side; a rule has one at a time.
 *
 *   main thread                       sender's thread
 *   alert_sender_give(job) ─────────► libcurl, or a program of the user
 *        ◄── alert_sender_take ────── each job, with what came of it
 *
 * An answer is read up to ALERT_ANSWER_MAX bytes, and a message takes at most the rule's timeout.
 * Secrets are read from their files for each message, so that they can be changed. All calls are
 * the main thread's.
 */
#ifndef INGESTOR_ALERTS_ALERT_SENDER_H
#define INGESTOR_ALERTS_ALERT_SENDER_H

#include "common/config/config.h"
#include "ingestor/alerts/alert_job.h"

struct alert_sender;

/* Starts the thread. */
struct alert_sender *alert_sender_create(void);

/* Gives up what is under way, and ends the programs that it runs. NULL is fine. */
void alert_sender_destroy(struct alert_sender **sender);

struct alert_job *alert_job_create(const struct config_alert *rule);
void alert_job_destroy(struct alert_job **job);

/* Hands a job over; it is the sender's until alert_sender_take gives it back. */
void alert_sender_give(struct alert_sender *sender, struct alert_job *job);

/* The socket to be polled for reading; it stays the sender's. */
void *alert_sender_socket(const struct alert_sender *sender);

/* A job that is done, without waiting, which is the caller's; NULL: there is none. */
struct alert_job *alert_sender_take(struct alert_sender *sender);

#endif
