/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a WebSocket's client may say: {"subscribe":["orders.*"],"form":"patch","cursor":"1k-3f9"}
 * and
 * {"unsubscribe":["orders.*"]}; with "stream":"events" the patterns are of types of raw events.
 * Pure.
 */
#ifndef GATEWAY_WS_REQUEST_H
#define GATEWAY_WS_REQUEST_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "gateway/base/selection.h"

enum ws_topic { WS_TOPIC_ANY, WS_TOPIC_TILES, WS_TOPIC_EVENTS }; /* ANY: as before */
enum ws_form { WS_FORM_ANY, WS_FORM_FULL, WS_FORM_PATCH };

struct ws_request {
    struct buf subscribe;   /* patterns joined by commas; each one's ends are as they came */
    struct buf unsubscribe; /* the same */
    bool subscribes;        /* there is such a member; it may be empty */
    bool unsubscribes;
    enum ws_topic topic;
    enum ws_form form;
    struct buf cursor; /* empty: none */
};

/* STATUS_INVALID: err has a sentence for the client. */
int ws_request_parse(struct str text, struct ws_request *out, struct error *err);
void ws_request_free(struct ws_request *request);

/* The selection of a client that has not subscribed to anything, which matches nothing. */
void ws_idle_selection(struct selection *out);

/*
 * The selection that a client has when it wishes for that, too; and when it no longer wishes for
 * some. had: NULL for none. STATUS_INVALID: too many patterns, or one that no key matches;
 * STATUS_NOT_FOUND: nothing is left. The caller frees out on STATUS_OK.
 */
int ws_selection_add(const struct selection *had, struct str patterns, struct selection *out);
int ws_selection_remove(const struct selection *had, struct str patterns, struct selection *out);

#endif
