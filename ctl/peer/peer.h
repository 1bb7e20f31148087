/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an ingestor or a cache: docs/protocol.md, "Queries". One request at a time, each with a
 * deadline. */
#ifndef CTL_PEER_PEER_H
#define CTL_PEER_PEER_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/codec/mp.h"
#include "ctl/base/ctl.h"

struct peer;

/* Connects to ctl->query. ctl is borrowed. */
int peer_create(const struct ctl *ctl, struct peer **out, struct error *err);
void peer_destroy(struct peer **peer);

/* A request under construction: a map whose first member is `op`. */
struct peer_request {
    struct buf bytes;
    struct mp_open_map map;
};
void peer_request_begin(struct peer_request *request, const char *op);
void peer_request_text(struct peer_request *request, const char *name, struct str value);
void peer_request_uint(struct peer_request *request, const char *name, uint64_t value);
/* The name alone: the caller appends the value to request->bytes. */
void peer_request_name(struct peer_request *request, const char *name);

/*
 * Sends the request, frees it, and waits for the reply. *reply is valid until the next call.
 * STATUS_AGAIN: no answer in time; STATUS_INVALID: an answer that is none; STATUS_NOT_FOUND,
 * STATUS_IO: the server says that something is wrong (not_found; anything else), err has its words.
 */
int peer_ask(struct peer *peer, struct peer_request *request, const mp_value **reply,
             struct error *err);

#endif
