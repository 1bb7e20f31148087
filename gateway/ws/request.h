/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a WebSocket's client may say, and what its selection becomes by it:
 *
 *   {"subscribe":["orders.*"],"form":"patch","cursor":"1k-3f9"}
 *   {"unsubscribe":["orders.*"]}
 *
 * With "stream":"events" the patterns are of types of raw events. Pure.
 */
#ifndef GATEWAY_WS_REQUEST_H
#define GATEWAY_WS_REQUEST_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "gateway/base/selection.h"

/* ANY: the client does not say, so it stays as it is. */
enum ws_topic { WS_TOPIC_ANY, WS_TOPIC_TILES, WS_TOPIC_EVENTS };
enum ws_form { WS_FORM_ANY, WS_FORM_FULL, WS_FORM_PATCH };

struct ws_request {
    struct buf subscribe;   /* Patterns joined by commas, each as it came. */
    struct buf unsubscribe; /* Patterns joined by commas, each as it came. */
    bool subscribes;        /* The member `subscribe` is there; it may be empty. */
    bool unsubscribes;      /* The member `unsubscribe` is there; it may be empty. */
    enum ws_topic topic;    /* Whether it is about tiles or events. */
    enum ws_form form;      /* How values are to be sent. */
    struct buf cursor;      /* Of a tile stream, or an event's id as text; empty: there is none. */
};

/* Parses a client's message; the caller frees *out with ws_request_free. STATUS_INVALID: err has a
 * sentence for the client, and there is nothing to free. */
int ws_request_parse(struct str text, struct ws_request *out, struct error *err);
void ws_request_free(struct ws_request *request);

/*
 * The selection of a client that asks for those patterns, too; and of one that no longer asks for
 * them. had: what it had before; NULL: nothing. STATUS_INVALID: these
 * are too many patterns, or one is such that no key matches it. STATUS_NOT_FOUND: nothing is
 * selected. With STATUS_OK the caller frees out.
 */
int ws_selection_add(const struct selection *had, struct str patterns, struct selection *out);
int ws_selection_remove(const struct selection *had, struct str patterns, struct selection *out);

#endif
