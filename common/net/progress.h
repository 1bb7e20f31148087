/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether bytes come over a socket's connection. Libzmq hands out a message when all of it is here,
 * and says nothing of one that is half here. Over a narrow way that takes longer than anybody would
 * wait for a peer that is gone:
 *
 *     asked                                                             the message
 *       ├──── bytes ── bytes ── bytes ── bytes ── bytes ── bytes ── … ────┤
 *                    no message yet, but the peer lives
 *
 * So the kernel is asked how many bytes it has received over the connection (TCP_INFO). Which
 * connection that is, libzmq's monitor of the socket says. Descriptors are libzmq's and may have
 * been given to another connection meanwhile, so the kernel's cookie of the connection is compared.
 *
 * Over ipc:// there is no such count, and nothing ever moves: who is on this machine is quick.
 *
 * One thread, that of the socket.
 */
#ifndef COMMON_NET_PROGRESS_H
#define COMMON_NET_PROGRESS_H

#include <stdbool.h>

#include "common/net/handshakes.h"

/* Fewer bytes than so many do not count. One segment of TCP is more. */
#define PROGRESS_MIN_BYTES 256

struct progress;

/* Begins to watch a socket that is to connect to one address, and has not done so yet. NULL when no
 * further socket can be made; progress_made takes that. The socket stays the caller's. */
struct progress *progress_create(void *socket);

/* Ends it and clears the pointer; to be called before the socket is closed. NULL is fine. */
void progress_destroy(struct progress **progress);

/* True when at least PROGRESS_MIN_BYTES have come over the present connection since the last time
 * that this was true, or since the connection was first seen here. It costs a system call. */
bool progress_made(struct progress *progress);

/* A kind of failure of handshakes that there was since it was told last; HANDSHAKE_NONE when there
 * is no further one. A socket has one monitor, so this is told here. */
enum handshake progress_failure(struct progress *progress);

#endif
