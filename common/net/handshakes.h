/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes of a socket's connections that came to nothing, as libzmq tells of them. Who connects
 * has to look: after HANDSHAKE_REFUSED and HANDSHAKE_UNLIKE libzmq never tries again, and nothing
 * ever comes over that socket.
 *
 * One thread, that which made the socket.
 */
#ifndef COMMON_NET_HANDSHAKES_H
#define COMMON_NET_HANDSHAKES_H

#include "common/base/error.h"
#include "common/config/config.h"

enum handshake {
    HANDSHAKE_NONE,    /* nothing happened */
    HANDSHAKE_REFUSED, /* the other side does not want our key */
    HANDSHAKE_UNLIKE,  /* the other side speaks otherwise: one of the two has keys */
    HANDSHAKE_BROKEN,  /* the other side went away meanwhile; libzmq tries again */
};

/* The events of libzmq's monitors that tell of them, and what one of these says; HANDSHAKE_NONE for
 * others. */
#define HANDSHAKE_EVENTS                                                                           \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
enum handshake handshake_of(unsigned event);

/* Watches a socket that nobody else watches. Returns what to hand to the others, and to
 * socket_monitor_close; NULL when there is no socket for it. */
void *handshakes_watch(void *socket);

/* The next failure; HANDSHAKE_NONE when there is no further one. To be asked now and then: what is
 * not asked for is kept. NULL is fine. */
enum handshake handshakes_next(void *watch);

/* Fills err with what is wrong between us and that address, and what to do. */
void handshakes_explain(enum handshake failure, const char *address, const struct config *config,
                        struct error *err);

#endif
