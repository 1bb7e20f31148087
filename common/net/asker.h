/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks servers of which one leads, and which of them that is nobody knows: the one that answered
 * last first, and the next when one says that it does not lead. A request is sent to none that is
 * not connected, so that none lies in a queue and is answered when nobody waits any more.
 *
 *     asker_ask ─► sent ── reply ───────────────────────► done(ASKER_ANSWERED)
 *        │     │    │  └── "unavailable": the next one ─► … done(ASKER_ANSWERED) with the last one
 *        │     │    └───── no reply in ASKER_WAIT_MS ───► done(ASKER_SILENT): nobody knows
 *        │     └ ASKER_UNDER_WAY_MAX are sent: it is sent when one of them ends
 *        │            └── nobody is connected by then ───► done(ASKER_UNSENT)
 *        └ nobody is connected: it returns false, and the request was sent to nobody
 *
 * One thread.
 */
#ifndef COMMON_NET_ASKER_H
#define COMMON_NET_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

#define ASKER_WAIT_MS 5000
#define ASKER_QUESTIONS_MAX 4096           /* that wait for a reply */
#define ASKER_UNDER_WAY_MAX 32             /* of these, that were sent; see asker.c */
#define ASKER_BYTES_MAX ((size_t)64 << 20) /* of their requests */

enum asker_end { ASKER_ANSWERED, ASKER_SILENT, ASKER_UNSENT };

struct asker;

/* The reply is borrowed until the call returns; empty unless it is ASKER_ANSWERED. */
typedef void asker_done_fn(void *arg, enum asker_end end, struct str reply);

/* servers: their `query` is asked; the list is needed during the call only, the configuration as
 * long as the asker. STATUS_IO and others: a socket cannot be made. */
int asker_create(const struct config *config, const struct config_upstreams *servers,
                 struct asker **out, struct error *err);

/* Nobody is called any more. NULL is fine. */
void asker_destroy(struct asker **asker);

/* How many descriptors there are to watch, and each of them; see socket_fd. */
size_t asker_count(const struct asker *asker);
int asker_fd(const struct asker *asker, size_t index);

/* Sends a request, which is copied, now or when others have ended. done is called once, and not
 * before this returns. False: it was sent to nobody, and done is not called. */
bool asker_ask(struct asker *asker, struct str request, mono_time now, asker_done_fn *done,
               void *arg);

/* Takes in replies, and ends questions whose time is over. */
void asker_process(struct asker *asker, mono_time now);

/* When asker_process has something to do even if no descriptor says so. */
mono_time asker_next(const struct asker *asker);

/* Ends all questions, as ASKER_SILENT or ASKER_UNSENT. */
void asker_end_all(struct asker *asker);

/* Questions that wait. */
size_t asker_waiting(const struct asker *asker);

#endif
