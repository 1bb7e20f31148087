/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people send when they push events, as MessagePack: a JSON object, an array of them, or one a
 * line; or CloudEvents 1.0, each alone (structured, or binary with its attributes in headers) or
 * in a batch. Either all events of a body are good, or none is taken.
 *
 *     JSON                       an event's field
 *     event_type                 event_type
 *     timestamp, actor_id, …     the same; a text, and for ids also a whole number
 *     payload                    payload: any value, kept as it is written
 *     any other member           refused, so that no misspelt one is lost
 *
 *     CloudEvents: type ─► event_type   time ─► timestamp   source ─► actor_id
 *                  subject ─► target_id   data ─► payload   other attributes are not kept
 *
 * Pure.
 */
#ifndef COMMON_PUSH_PUSH_BODY_H
#define COMMON_PUSH_PUSH_BODY_H

#include <stdbool.h>

#include "common/push/pushed_event.h"

enum push_format {
    PUSH_JSON,         /* an object, an array, or lines */
    PUSH_LINES,        /* one object a line, even if it is only one */
    PUSH_CLOUDEVENT,   /* application/cloudevents+json */
    PUSH_CLOUDEVENTS,  /* application/cloudevents-batch+json */
    PUSH_BINARY_EVENT, /* attributes in headers, the body is the data */
};

/* What is read from a body. Zeroed, but for `may`; freed with push_events_free. */
struct push_events {
    struct buf maps; /* one behind the other */
    size_t count;    /* how many maps there are */
    /* Says if events of that type may be pushed; NULL: all may. */
    bool (*may)(void *arg, struct str type);
    void *arg; /* what `may` is called with */
};

/* The attribute of that name in a header; STR_NULL: there is none. */
typedef struct str push_attribute_fn(void *arg, const char *name);

/*
 * Reads a body. attribute: for PUSH_BINARY_EVENT alone. STATUS_INVALID: it is malformed;
 * STATUS_FULL: it is beyond a bound; STATUS_DENIED: `may` refused a type. err then says where, and
 * what to do.
 */
int push_body_read(struct str body, enum push_format format, push_attribute_fn *attribute,
                   void *arg, struct push_events *out, struct error *err);

void push_events_free(struct push_events *events);

#endif
