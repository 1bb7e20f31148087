/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that clients push (`source.uri: push:FILE`), on their way to the ingestor that stores
 * them: what one may be, and its form in a request (docs/protocol.md, `push`).
 *
 *     body of HTTP, lines of `tilewire push` ── push_body.h ─► MessagePack ─► ingestor/push
 *
 * Pure.
 */
#ifndef COMMON_PUSH_PUSHED_EVENT_H
#define COMMON_PUSH_PUSHED_EVENT_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/event_fields.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

/* Bounds of one push. Each is told to whoever is beyond it. */
#define PUSH_REQUEST_MAX ((size_t)1 << 20) /* bytes of a request in MessagePack, and of a body */
#define PUSH_EVENT_MAX ((size_t)64 << 10)  /* bytes of an event's texts, payload included */
#define PUSH_EVENTS_MAX 10000              /* events; all of a push are stored, or none */
#define PUSH_TYPE_MAX 256                  /* bytes of an event's type */
#define PUSH_KEY_MAX 256                   /* bytes of an Idempotency-Key */
#define PUSH_SCOPED_KEY_MAX 4096           /* the same, with whose it is, as gateways send it */

/* For how long an Idempotency-Key is remembered at least. */
#define PUSH_KEY_KEPT_MS (INT64_C(24) * 3600 * 1000)

/* The texts by enum event_field; STR_NULL: it has none. EVENT_ID is never set, since the ingestor
 * gives ids; a payload is the text of a JSON value. All borrowed. */
struct pushed_event {
    struct str fields[EVENT_FIELDS]; /* by enum event_field; STR_NULL: it has no such member */
};

/* STATUS_INVALID, or STATUS_FULL when it is too large; err says what is wrong with it. */
int pushed_event_check(const struct pushed_event *event, struct error *err);

/* Appends it as a map of the fields that it has. */
void pushed_event_put(struct buf *out, const struct pushed_event *event);

/* Reads such a map, and checks it. The texts are borrowed from it. */
int pushed_event_read(const mp_value *map, struct pushed_event *out, struct error *err);

#endif
