/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are no streams, and how long each may take for what it is at. Libmicrohttpd's
 * own timeout begins anew with each byte, so whoever sends a byte now and then would never be done.
 *
 *            ┌────────────── its last byte was sent ◄──────────────┐
 *            ▼                                                     │
 *   accept ─► IDLE ── request line ──► READING ── all of it ──► ANSWERING ◄──► WAITING
 *
 * There is room for so many. When it gets tight, half of the room is made free: who has been idle
 * longest goes first, then who has been sending longest; so new ones (/healthz, say) are always
 * heard. One is ended by shutting its socket down; libmicrohttpd,
 * whose it is, sees that and closes it. One thread.
 */
#ifndef GATEWAY_HTTP_CONNECTIONS_H
#define GATEWAY_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"

/* In which an answer has to be taken, however slowly. */
#define CONNECTIONS_ANSWERING_MS 300000

enum connection_phase {
    CONNECTION_IDLE,      /* no request line has come since the last answer */
    CONNECTION_READING,   /* its headers and body come */
    CONNECTION_ANSWERING, /* until the last byte of the answer is the kernel's */
    CONNECTION_WAITING,   /* its request waits for news: it may */
};
#define CONNECTION_PHASES 4

struct connection {
    int fd;
    enum connection_phase phase;
    bool ended;     /* shut down, but not closed yet */
    uint64_t taken; /* bytes of the requests that are over */
    mono_time since;
    struct connection *prev; /* of its phase, by age */
    struct connection *next;
};

struct connections_config {
    size_t max;         /* there may be; from seven eighths on it is tight */
    int64_t idle_ms;    /* a phase may take, */
    int64_t reading_ms; /* READING: is told 408 then */
    int64_t answering_ms;
};

struct connections_counters {
    uint64_t accepted;
    uint64_t idle;    /* ended because nothing was asked, */
    uint64_t slow;    /* because a request did not come to its end, */
    uint64_t stuck;   /* or its answer was not taken, */
    uint64_t evicted; /* for want of room */
};

struct connections;

struct connections *connections_create(const struct connections_config *config);
/* None may be left. */
void connections_destroy(struct connections **connections);

/* From now on. */
void connections_configure(struct connections *connections,
                           const struct connections_config *config);

/* The descriptor stays the caller's. May end another one. */
struct connection *connections_add(struct connections *connections, int fd, mono_time now);
void connections_remove(struct connections *connections, struct connection **connection);

void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_phase phase, mono_time now);

/* Ends those that take too long; call it about every second. */
void connections_sweep(struct connections *connections, mono_time now);

/* Is hardly any room left? Then call connections_relieve every 100 ms or so. */
bool connections_tight(const struct connections *connections);
void connections_relieve(struct connections *connections, mono_time now);

/* Ends those that have been idle for so long. */
void connections_end_idle(struct connections *connections, mono_time now, int64_t idle_ms);

size_t connections_count(const struct connections *connections);
const struct connections_counters *connections_counters(const struct connections *connections);

#endif
