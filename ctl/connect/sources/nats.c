/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/xalloc.h"
#include "ctl/connect/source.h"
#include "ctl/oracle/sources/nats.h"

struct nats {
    const struct config_source *source;
    natsConnection *connection;
    jsCtx *js;
    struct findings *out;
};

static void try_message(const struct nats *n, natsMsg *message, uint64_t sequence)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    struct arena *memory = arena_create();
    bool timed = false;
    int64_t us;
    char *what = x_asprintf("message %llu", (unsigned long long)sequence);
    switch (oracle_nats_read(n->source, message, memory, texts, &timed, &us)) {
    case ORACLE_MESSAGE_ROW:
        connect_fields(n->source, "fields", what, texts, timed, n->out);
        break;
    case ORACLE_MESSAGE_BAD:
        finding_add(n->out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s is none of the form that source.format names, so it is passed over; see "
                    "docs/messages.md",
                    what);
        break;
    case ORACLE_MESSAGE_NOTHING:
        finding_add(n->out, FINDING_OK, CONNECT_SOURCE, "%s is the newest, and says nothing", what);
        break;
    }
    free(what);
    arena_destroy(&memory);
}

/* The newest message is asked for without a consumer, so that none is made. */
static void try_stream(const struct nats *n)
{
    const char *name = n->source->nats.stream;
    jsStreamInfo *stream = NULL;
    natsMsg *message = NULL;
    jsErrCode code = 0;
    const natsStatus status = js_GetStreamInfo(&stream, n->js, name, NULL, &code);
    if (status == NATS_NOT_FOUND && code == JSStreamNotFoundErr) {
        finding_add(n->out, FINDING_WARNING, CONNECT_SOURCE,
                    "there is no stream \"%s\"; it is read as soon as it is there", name);
    } else if (status != NATS_OK) {
        finding_add(
            n->out, FINDING_ERROR, CONNECT_SOURCE,
            "stream \"%s\" cannot be looked at: %s. Is JetStream on, and may this user publish "
            "to $JS.API.STREAM.INFO.%s?",
            name, natsStatus_GetText(status), name);
    } else {
        finding_add(
            n->out, FINDING_OK, CONNECT_SOURCE,
            "stream \"%s\" has the sequences %llu to %llu; messages wake the ingestor as they "
            "come",
            name, (unsigned long long)stream->State.FirstSeq,
            (unsigned long long)stream->State.LastSeq);
        if (stream->State.Msgs != 0 &&
            js_GetMsg(&message, n->js, name, stream->State.LastSeq, NULL, NULL) == NATS_OK) {
            try_message(n, message, stream->State.LastSeq);
        }
    }
    natsMsg_Destroy(message);
    jsStreamInfo_Destroy(stream);
}

void connect_nats(const struct config *config, struct findings *out)
{
    struct nats n = {.source = &config->source, .out = out};
    struct error err = {{0}};
    char url[300];
    if (oracle_nats_connect(n.source, &n.connection, &n.js, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return;
    }
    if (natsConnection_GetConnectedUrl(n.connection, url, sizeof url) == NATS_OK) {
        finding_add(out, FINDING_OK, CONNECT_SOURCE, "NATS answers at %s", url);
    }
    try_stream(&n);
    natsConnection_Close(n.connection);
    jsCtx_Destroy(n.js);
    natsConnection_Destroy(n.connection);
}
