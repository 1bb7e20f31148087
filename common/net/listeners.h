/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that a program listens on, and what they do when descriptors run out. Libzmq goes on
 * asking for connections that it cannot take, which costs a core, and what else needs a descriptor,
 * the state say, gets none. So a few descriptors are held back; when all others are taken,
 * they are given to the program, and nobody is let in until there is room again. Those who are
 * connected do not notice; those who want to be try again, as TCP and ZeroMQ do by themselves.
 *
 *              no descriptor can be had: let nobody in, let the reserve go
 *   LISTENING ─────────────────────────────────────────────────────────────► PAUSED
 *             ◄─────────────────────────────────────────────────────────────
 *              the reserve, and some more, can be had: take it back
 *
 * Only addresses of TCP pause: who can reach one of ipc is a program of this machine. One thread.
 */
#ifndef COMMON_NET_LISTENERS_H
#define COMMON_NET_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#define LISTENERS_CHECK_MS 250 /* how often listeners_check is to be called */
#define LISTENERS_MAX 4

struct listeners;

/* Raises the process's limit of descriptors as far as it may be, and takes the reserve. */
struct listeners *listeners_create(void);

/* Gives the reserve back. The sockets stay open. NULL is fine. */
void listeners_destroy(struct listeners **listeners);

/* Adds a socket that is bound to one address, and stays so until listeners_destroy; at most
 * LISTENERS_MAX. */
void listeners_add(struct listeners *listeners, void *socket);

/* Pauses, or lets connections in again, if it is time. */
void listeners_check(struct listeners *listeners);

/* How often there was a pause, and whether there is none now. */
uint64_t listeners_pauses(const struct listeners *listeners);
bool listeners_listen(const struct listeners *listeners);

#endif
