/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/peer.h"

#include <stdlib.h>
#include <zmq.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "common/net/handshakes.h"
#include "common/net/progress.h"
#include "common/net/sockets.h"
#include "common/replica/answer.h"

#define REPLY_FRAMES 3  /* tag, delimiter, body; a request has the same */
#define MESSAGE_MAX 400 /* bytes of the server's words that are shown */

/* How often it is looked whether bytes of a reply come. */
#define PROGRESS_MS 100

/*
 * The socket is a DEALER and not a REQ, because a DEALER can simply ask again when an answer did
 * not come. The tag in front of the delimiter comes back with the reply, so that a late answer to
 * an earlier question is told from the one that is waited for.
 */
struct peer {
    const struct ctl *ctl;
    void *socket;
    struct progress *progress;       /* of the socket; may be NULL */
    uint32_t tag;                    /* of the last request; the first one has 1 */
    struct buf frames[REPLY_FRAMES]; /* of the last reply; doc borrows from them */
    struct mp_doc doc;
};

int peer_create(const struct ctl *ctl, struct peer **out, struct error *err)
{
    struct peer *peer = x_calloc(1, sizeof *peer);
    peer->ctl = ctl;
    mp_doc_init(&peer->doc);
    peer->socket = socket_open(ZMQ_DEALER, err);
    int status = peer->socket != NULL ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK) {
        peer->progress = progress_create(peer->socket);
        status = socket_connect(peer->socket, ctl->query, &ctl->server, ctl->config, err);
    }
    if (status != STATUS_OK) {
        peer_destroy(&peer);
        return status;
    }
    *out = peer;
    return STATUS_OK;
}

void peer_destroy(struct peer **peer_p)
{
    struct peer *peer = *peer_p;
    if (peer == NULL) {
        return;
    }
    progress_destroy(&peer->progress);
    socket_close(&peer->socket);
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        buf_free(&peer->frames[i]);
    }
    mp_doc_free(&peer->doc);
    free(peer);
    *peer_p = NULL;
}

/* Waits for the reply that has the tag of the last request. The time begins anew when bytes come:
 * over a narrow way a page takes longer than anybody would wait for a server that is gone. */
static int receive(struct peer *peer, struct error *err)
{
    mono_time deadline = mono_add_ms(clock_mono(), peer->ctl->timeout_ms);
    bool broken = false;
    for (;;) {
        const int count =
            socket_receive(peer->socket, peer->frames, REPLY_FRAMES, SOCKET_REPLY_MAX_BYTES);
        uint32_t tag = 0;
        if (count == REPLY_FRAMES && peer->frames[0].len == sizeof tag) {
            memcpy(&tag, peer->frames[0].data, sizeof tag);
        }
        if (tag == peer->tag) {
            return STATUS_OK;
        }
        if (count == 0 && progress_made(peer->progress)) {
            deadline = mono_add_ms(clock_mono(), peer->ctl->timeout_ms);
        }
        const int wait_ms = mono_ms_until(clock_mono(), deadline, PROGRESS_MS);
        const enum handshake failure = progress_failure(peer->progress);
        if (failure != HANDSHAKE_NONE && failure != HANDSHAKE_BROKEN) {
            handshakes_explain(failure, peer->ctl->query, peer->ctl->config, err);
            return STATUS_DENIED;
        }
        broken = broken || failure == HANDSHAKE_BROKEN;
        if (count == 0 && wait_ms == 0 && broken) {
            handshakes_explain(HANDSHAKE_BROKEN, peer->ctl->query, peer->ctl->config, err);
            return STATUS_DENIED;
        }
        if (count == 0 && wait_ms == 0) {
            return error_set(err, STATUS_AGAIN, "no answer from %s within %d ms; is it running?",
                             peer->ctl->query, peer->ctl->timeout_ms);
        }
        if (count == 0) {
            zmq_pollitem_t item = {peer->socket, 0, ZMQ_POLLIN, 0};
            (void)zmq_poll(&item, 1, wait_ms);
        }
    }
}

/* What the server says is wrong, if anything. */
static int check_error(const mp_value *reply, struct error *err)
{
    struct answer_error error;
    if (!answer_read_error(reply, &error)) {
        return STATUS_OK;
    }
    const struct str message = error.message.p != NULL ? error.message : STR("no reason given");
    const size_t len = message.len < MESSAGE_MAX ? message.len : MESSAGE_MAX;
    return error_set(err, str_is(error.code, ANSWER_NOT_FOUND) ? STATUS_NOT_FOUND : STATUS_IO,
                     "%.*s", (int)len, message.p);
}

int peer_ask(struct peer *peer, struct query_request *request, const mp_value **reply,
             struct error *err)
{
    struct buf bytes = {0};
    peer->tag++;
    query_request_finish(request, &bytes);
    const struct str frames[] = {
        {(const char *)&peer->tag, sizeof peer->tag}, STR(""), buf_str(&bytes)};
    const bool sent = socket_send(peer->socket, frames, REPLY_FRAMES);
    buf_free(&bytes);
    if (!sent) {
        return error_set(err, STATUS_AGAIN, "cannot send to %s", peer->ctl->query);
    }
    int status = receive(peer, err);
    if (status == STATUS_OK &&
        mp_parse(&peer->doc, peer->frames[2].data, peer->frames[2].len) != STATUS_OK) {
        status = error_set(err, STATUS_INVALID, "%s answered with something that is no answer",
                           peer->ctl->query);
    }
    if (status == STATUS_OK) {
        status = check_error(&peer->doc.root, err);
    }
    *reply = &peer->doc.root;
    return status;
}
