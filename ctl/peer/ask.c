/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/ask.h"

#include <stdlib.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "common/net/sockets.h"

#define REPLY_FRAMES 3 /* tag, delimiter, body */

/*
 * A DEALER rather than a REQ: after an answer that did not come it can simply ask again. The tag in
 * front of the delimiter comes back with the reply, so that a late answer to an earlier question is
 * told from the one that is waited for.
 */
struct asker {
    const struct ctl *ctl;
    void *socket;
    uint32_t tag;
    struct buf frames[REPLY_FRAMES];
    struct mp_doc doc;
};

int asker_create(const struct ctl *ctl, struct asker **out, struct error *err)
{
    struct asker *asker = x_calloc(1, sizeof *asker);
    asker->ctl = ctl;
    mp_doc_init(&asker->doc);
    asker->socket = socket_open(ZMQ_DEALER, err);
    int status = asker->socket != NULL ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK) {
        status = socket_connect(asker->socket, ctl->query, NULL, ctl->config, err);
    }
    if (status != STATUS_OK) {
        asker_destroy(&asker);
        return status;
    }
    *out = asker;
    return STATUS_OK;
}

void asker_destroy(struct asker **asker_p)
{
    struct asker *asker = *asker_p;
    if (asker == NULL) {
        return;
    }
    socket_close(&asker->socket);
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        buf_free(&asker->frames[i]);
    }
    mp_doc_free(&asker->doc);
    free(asker);
    *asker_p = NULL;
}

void request_begin(struct request *request, const char *op)
{
    *request = (struct request){0};
    request->map = mp_open_map(&request->bytes);
    request_text(request, "op", str_of(op));
}

void request_name(struct request *request, const char *name)
{
    mp_put_text(&request->bytes, name);
    request->map.count++;
}

void request_text(struct request *request, const char *name, struct str value)
{
    request_name(request, name);
    mp_put_str(&request->bytes, value);
}

void request_uint(struct request *request, const char *name, uint64_t value)
{
    request_name(request, name);
    mp_put_uint(&request->bytes, value);
}

/* Waits for the reply with our tag. */
static int receive(struct asker *asker, struct error *err)
{
    const mono_time deadline = mono_add_ms(clock_mono(), asker->ctl->timeout_ms);
    for (;;) {
        const int count =
            socket_receive(asker->socket, asker->frames, REPLY_FRAMES, REPLY_MAX_BYTES);
        uint32_t tag = 0;
        if (count == REPLY_FRAMES && asker->frames[0].len == sizeof tag) {
            memcpy(&tag, asker->frames[0].data, sizeof tag);
        }
        if (tag == asker->tag) {
            return STATUS_OK;
        }
        const int wait_ms = mono_ms_until(clock_mono(), deadline, asker->ctl->timeout_ms);
        if (count == 0 && wait_ms == 0) {
            return error_set(err, STATUS_AGAIN, "no answer from %s within %d ms; is it running?",
                             asker->ctl->query, asker->ctl->timeout_ms);
        }
        if (count == 0) {
            zmq_pollitem_t item = {asker->socket, 0, ZMQ_POLLIN, 0};
            (void)zmq_poll(&item, 1, wait_ms);
        }
    }
}

static int check_error(const mp_value *reply, struct error *err)
{
    const mp_value *error = mp_get(reply, "error");
    struct str code = STR("");
    struct str message = STR("no reason given");
    if (error == NULL) {
        return STATUS_OK;
    }
    (void)mp_as_str(mp_get(error, "code"), &code);
    (void)mp_as_str(mp_get(error, "message"), &message);
    return error_set(err, str_is(code, "not_found") ? STATUS_NOT_FOUND : STATUS_IO, "%.*s",
                     (int)(message.len < 400 ? message.len : 400), message.p);
}

int ask(struct asker *asker, struct request *request, const mp_value **reply, struct error *err)
{
    asker->tag++;
    mp_close_map(&request->bytes, request->map);
    const struct str frames[] = {
        {(const char *)&asker->tag, sizeof asker->tag}, STR(""), buf_str(&request->bytes)};
    const bool sent = socket_send(asker->socket, frames, 3);
    buf_free(&request->bytes);
    if (!sent) {
        return error_set(err, STATUS_AGAIN, "cannot send to %s", asker->ctl->query);
    }
    int status = receive(asker, err);
    if (status == STATUS_OK &&
        mp_parse(&asker->doc, asker->frames[2].data, asker->frames[2].len) != STATUS_OK) {
        status = error_set(err, STATUS_INVALID, "%s answered with something that is no answer",
                           asker->ctl->query);
    }
    if (status == STATUS_OK) {
        status = check_error(&asker->doc.root, err);
    }
    *reply = &asker->doc.root;
    return status;
}
