/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that only LISTENs: `source.listen_uri`, the server itself, for a source whose own
 * connection leads through a pooler. It never makes the reader wait: it connects, asks and listens
 * while the reader sleeps. When it is lost it is made anew, with backoff; meanwhile the table is
 * polled, and the log says so once each way.
 *
 *   away ──due──► connecting ──► asking who answers ──► asking to LISTEN ──► listening
 *     ▲                └──────────────┴─────── lost ────────┴──────────────────┘
 *     └──── backoff ─────┘
 *
 * Owner: the source, on the reader's thread. Zero-initialised, there is none, and nothing happens.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_LISTENER_H
#define INGESTOR_SOURCE_POSTGRES_PG_LISTENER_H

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>

#include "common/base/backoff.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

enum pg_listener_phase {
    PG_LISTENER_AWAY,
    PG_LISTENER_CONNECTING,
    PG_LISTENER_CHECKING,
    PG_LISTENER_ASKING,
    PG_LISTENER_LISTENING,
};

struct pg_listener {
    const struct config *config;  /* Borrowed. NULL: there is no listener. */
    int table_oid;                /* of the events table, as the source's own connection has it */
    PGconn *db;                   /* NULL: away */
    enum pg_listener_phase phase; /* how far connecting has come */
    short events;                 /* What the connection waits for, as poll() has it. */
    mono_time due_at;             /* Away: the next try. While it is made: when that is given up. */
    struct backoff backoff;       /* how long it waits after a try that failed */
    bool heard;                   /* It has listened before. */
    bool lost;                    /* The log says that it is away. */
};

/* Begins, if the configuration has a listen_uri. It does not wait for anything. */
void pg_listener_open(struct pg_listener *l, const struct config *config, int table_oid);
void pg_listener_close(struct pg_listener *l);

/* What to poll for; the fd is -1 where there is nothing. */
struct pollfd pg_listener_pollfd(const struct pg_listener *l);

/* When pg_listener_step is to be called though nothing has come; MONO_NEVER. */
mono_time pg_listener_due(const struct pg_listener *l);

/* Does what can be done without waiting. revents: what poll() said. True when new rows may be
 * there: the server has notified, or has just begun to. */
bool pg_listener_step(struct pg_listener *l, short revents);

#endif
