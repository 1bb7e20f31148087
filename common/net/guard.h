/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard of a program that binds sockets with CURVE: libzmq asks it of each client that has
 * proved its key whether it may connect, before it takes anything else of that client.
 *
 *     client ── proves its key ──► libzmq ── ZAP: key, domain ──► guard ── clients_file
 *                                        ◄──── 200 or 400 ────────
 *
 * Who is refused is disconnected, counted and logged (a few lines a minute). The guard has to be
 * there before the sockets that it guards, and to be run by the loop of the thread that made it: a
 * client waits meanwhile, for SOCKET_DEAD_MS at most.
 */
#ifndef COMMON_NET_GUARD_H
#define COMMON_NET_GUARD_H

#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

struct guard;

/* Each only grows. */
struct guard_counters {
    uint64_t admitted; /* connections of clients that may do what they want to */
    uint64_t refused;  /* of those who may not, or whom nobody knows */
    uint64_t broken;   /* that ended before a key was proved: without keys, or with a wrong one */
};

/* The configuration is needed during the call only. Where it has no keys the guard has nothing to
 * do. STATUS_INVALID, STATUS_IO …: our own key cannot be read, or there is no socket; err says why.
 */
int guard_create(const struct config *config, struct guard **out, struct error *err);

/* Watches a socket that is bound, which outlives the guard; at most GUARD_SOCKETS_MAX. */
#define GUARD_SOCKETS_MAX 2
void guard_watch(struct guard *guard, void *socket);

/* Clears the pointer. NULL is fine. */
void guard_destroy(struct guard **guard);

/* The socket to be polled for reading; NULL when there is nothing to do. It stays the guard's. */
void *guard_socket(const struct guard *guard);

/* Answers what libzmq asks, at most budget times. */
void guard_process(struct guard *guard, mono_time now, unsigned budget);

/* Counts, and logs, connections that ended before anybody could be asked about them. To be called
 * now and then. */
void guard_count_broken(struct guard *guard, mono_time now);

/*
 * Lets those in from now on who are in the clients file of that configuration. When somebody who
 * was let in may do less now, all connections to the watched sockets are
 * ended, for libzmq cannot end that
 * of one client: who may comes back at once. Fails as guard_create does, and nothing is changed
 * then; or with STATUS_FULL, as disconnect_all does.
 */
int guard_change(struct guard *guard, const struct config *config, struct error *err);

/* Whether who asked may push events: `key` is what server_key says of a request. What the clients
 * file says now counts, also for who was connected before. True where there are no keys. */
bool guard_may_push(const struct guard *guard, const char *key);

/* The same of silencing alerts. */
bool guard_may_silence(const struct guard *guard, const char *key);

const struct guard_counters *guard_counters(const struct guard *guard);

#endif
