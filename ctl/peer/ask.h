/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an ingestor or a cache: docs/protocol.md, "Queries". One request at a time, each with a
 * deadline. */
#ifndef CTL_PEER_ASK_H
#define CTL_PEER_ASK_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/codec/mp.h"
#include "ctl/ctl.h"

struct asker;

/* Connects to ctl->query. ctl is borrowed. */
int asker_create(const struct ctl *ctl, struct asker **out, struct error *err);
void asker_destroy(struct asker **asker);

/* A request under construction: a map whose first member is `op`. */
struct request {
    struct buf bytes;
    struct mp_open_map map;
};
void request_begin(struct request *request, const char *op);
void request_text(struct request *request, const char *name, struct str value);
void request_uint(struct request *request, const char *name, uint64_t value);
/* The name alone: the caller appends the value to request->bytes. */
void request_name(struct request *request, const char *name);

/*
 * Sends the request, frees it, and waits for the reply. *reply is valid until the next call.
 * STATUS_AGAIN: no answer in time; STATUS_INVALID: an answer that is none; STATUS_NOT_FOUND,
 * STATUS_IO: the server says that something is wrong (not_found; anything else), err has its words.
 */
int ask(struct asker *asker, struct request *request, const mp_value **reply, struct error *err);

#endif
