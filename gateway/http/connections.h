/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are no streams, and how long each may take for what it is doing. Libmicrohttpd's
 * own timeout begins anew with each byte, so whoever sends a byte now and then would never be done.
 *
 *            ┌────────────── its last byte was sent ◄──────────────┐
 *            ▼                                                     │
 *   accept ─► IDLE ── request line ──► READING ── all of it ──► ANSWERING ◄──► WAITING
 *
 * There is room for a fixed number. When it gets tight, half of the room is made free: whoever has
 * been idle longest goes first, then whoever has been sending longest; so new connections
 * (/healthz, say) are always heard. A connection is ended by shutting its socket down;
 * libmicrohttpd, whose socket it is, sees that and closes it. One thread.
 */
#ifndef GATEWAY_HTTP_CONNECTIONS_H
#define GATEWAY_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"

/* The longest time that a client may take to read an answer. */
#define CONNECTIONS_ANSWERING_MS 300000

enum connection_phase {
    CONNECTION_IDLE,      /* No request line has come since the last answer. */
    CONNECTION_READING,   /* The headers and body of a request are coming. */
    CONNECTION_ANSWERING, /* The kernel has not yet taken the last byte of the answer. */
    CONNECTION_WAITING,   /* The request waits for news, for as long as it likes. */
};
#define CONNECTION_PHASES 4

struct connection {
    int fd;                      /* The socket, which is libmicrohttpd's. */
    enum connection_phase phase; /* What it is doing. */
    mono_time since;             /* When that phase began. */
    bool ended;                  /* True once it is shut down; it is in no list then. */
    uint64_t taken;          /* Bytes of the requests that are over; see request_has_followers. */
    struct connection *prev; /* Links the connections of one phase, oldest first. */
    struct connection *next; /* Links the connections of one phase, oldest first. */
};

struct connections_config {
    /* The greatest number that may be open. Room is tight from seven eighths of it on. */
    size_t max;
    int64_t idle_ms;      /* For how long a connection may be IDLE. */
    int64_t reading_ms;   /* For how long it may be READING; it is told 408 then. */
    int64_t answering_ms; /* For how long it may be ANSWERING. */
};

struct connections_counters {
    uint64_t accepted; /* Connections that began. */
    uint64_t idle;     /* Connections ended because nothing was asked. */
    uint64_t slow;     /* Connections ended because a request did not come to its end. */
    uint64_t stuck;    /* Connections ended because an answer was not taken. */
    uint64_t evicted;  /* Connections ended for want of room. */
};

struct connections;

/* Copies config; the caller destroys the result. */
struct connections *connections_create(const struct connections_config *config);

/* Asserts that no connection is left. */
void connections_destroy(struct connections **connections);

/* Replaces the limits; they hold for what is open, too. */
void connections_configure(struct connections *connections,
                           const struct connections_config *config);

/* Adds a connection, which is IDLE; the caller gives it back with connections_remove. The
 * descriptor stays the caller's. Others may be ended, to make room. */
struct connection *connections_add(struct connections *connections, int fd, mono_time now);
void connections_remove(struct connections *connections, struct connection **connection);

/* Notes that the connection begins that phase now; does nothing when it was ended. */
void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_phase phase, mono_time now);

/* Sends this as the answer to the request that is coming, as far as the kernel takes it at once,
 * and ends the connection. It is not counted. */
void connections_refuse(struct connections *connections, struct connection *connection,
                        struct str answer);

/* Ends the connections that take too long; call it about every second. */
void connections_sweep(struct connections *connections, mono_time now);

/* True when hardly any room is left: call connections_relieve every 100 ms or so then. */
bool connections_tight(const struct connections *connections);

/* Ends connections if it is tight, until half of the room is free or all have just come. */
void connections_relieve(struct connections *connections, mono_time now);

/* Ends the connections that have been IDLE for so long. They are not counted. */
void connections_end_idle(struct connections *connections, mono_time now, int64_t idle_ms);

/* How many connections there are, those that were ended but are not closed yet included. */
size_t connections_count(const struct connections *connections);
const struct connections_counters *connections_counters(const struct connections *connections);

#endif
