/* SPDX-License-Identifier: Apache-2.0 */
/* The ingestor or the cache that is asked: docs/protocol.md, "Queries". One request at a time, each
 * with a deadline. Requests are written with common/replica/query_request.h, and replies read with
 * common/replica/answer.h. */
#ifndef CTL_PEER_PEER_H
#define CTL_PEER_PEER_H

#include "common/base/error.h"
#include "common/codec/mp.h"
#include "common/replica/query_request.h"
#include "ctl/base/ctl.h"

struct peer;

/* Connects to ctl->query. ctl is borrowed, and outlives the peer. STATUS_IO or STATUS_INVALID when
 * there is no socket, or the address is none; that nobody listens there shows in peer_ask. */
int peer_create(const struct ctl *ctl, struct peer **out, struct error *err);

/* Frees what is not NULL, and sets it to NULL. */
void peer_destroy(struct peer **peer);

/*
 * Ends and sends the request, which is freed in any case, and waits for the reply up to
 * ctl->timeout_ms, which begin anew while bytes of it come. *reply is owned by the peer and valid
 * until the next call.
 *
 *     STATUS_AGAIN       there was no answer in time
 *     STATUS_DENIED      the server does not want our key, or we not its
 *     STATUS_INVALID     what came is no answer
 *     STATUS_NOT_FOUND   the server says that there is no such thing
 *     STATUS_IO          the server says that something else is wrong
 *
 * In the last two cases err has the server's words.
 */
int peer_ask(struct peer *peer, struct query_request *request, const mp_value **reply,
             struct error *err);

#endif
