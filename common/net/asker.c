/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/asker.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/xalloc.h"
#include "common/net/sockets.h"
#include "common/replica/answer.h"

#define REPLY_FRAMES 3 /* tag, delimiter, body; a request has the same */

/* A server drops replies beyond its mark, and counts those that were read after each half of it. So
 * as many as the other half may be under way, though all are answered in one moment. */
_Static_assert(ASKER_UNDER_WAY_MAX <= SOCKET_REPLY_HWM / 2, "no reply is dropped");

struct question {
    uint64_t tag;
    size_t server; /* whom it was sent to */
    size_t asked;  /* how many servers it was sent to; 0: it waits for its turn */
    mono_time end;
    struct buf request;
    asker_done_fn *done;
    void *arg;
    struct question *prev; /* oldest first, which are those that end first */
    struct question *next;
};

struct asker {
    void *sockets[CONFIG_UPSTREAMS_MAX];
    size_t count;
    size_t leader; /* the server that took the last request */
    uint64_t last_tag;
    struct question *first;
    struct question *last;
    struct question *unsent; /* the oldest that waits for its turn, as do all behind it; or NULL */
    size_t waiting;
    size_t under_way; /* of these, that are sent */
    size_t bytes;
    struct buf frames[REPLY_FRAMES]; /* scratch */
};

int asker_create(const struct config *config, const struct config_upstreams *servers,
                 struct asker **out, struct error *err)
{
    struct asker *asker = x_calloc(1, sizeof *asker);
    int status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < servers->count; i++) {
        void *socket = socket_open_connected(ZMQ_DEALER, err);
        asker->sockets[i] = socket;
        asker->count++;
        status = socket == NULL ? STATUS_IO
                                : socket_connect(socket, servers->list[i].query,
                                                 &servers->list[i].server, config, err);
    }
    *out = asker;
    if (status != STATUS_OK) {
        asker_destroy(out);
    }
    return status;
}

static void remove_question(struct asker *asker, struct question *question)
{
    *(question->prev != NULL ? &question->prev->next : &asker->first) = question->next;
    *(question->next != NULL ? &question->next->prev : &asker->last) = question->prev;
    if (asker->unsent == question) {
        asker->unsent = question->next;
    }
    asker->under_way -= question->asked != 0;
    asker->waiting--;
    asker->bytes -= question->request.len;
    buf_free(&question->request);
    free(question);
}

void asker_destroy(struct asker **asker_p)
{
    struct asker *asker = *asker_p;
    if (asker == NULL) {
        return;
    }
    while (asker->first != NULL) {
        remove_question(asker, asker->first);
    }
    for (size_t i = 0; i < asker->count; i++) {
        socket_close(&asker->sockets[i]);
    }
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        buf_free(&asker->frames[i]);
    }
    free(asker);
    *asker_p = NULL;
}

size_t asker_count(const struct asker *asker)
{
    return asker->count;
}

int asker_fd(const struct asker *asker, size_t index)
{
    return socket_fd(asker->sockets[index]);
}

/* Sends it to the next server that is connected, of those that were not asked yet. False: there is
 * none. */
static bool send_on(struct asker *asker, struct question *question)
{
    const struct str frames[REPLY_FRAMES] = {
        {(const char *)&question->tag, sizeof question->tag}, STR(""), buf_str(&question->request)};
    while (question->asked < asker->count) {
        const size_t next = question->server + (question->asked != 0);
        question->server = next < asker->count ? next : 0;
        question->asked++;
        if (socket_send(asker->sockets[question->server], frames, REPLY_FRAMES)) {
            return true;
        }
    }
    return false;
}

/* Its turn has come: it is the oldest that is not sent. */
static bool send_first(struct asker *asker, struct question *question)
{
    asker->unsent = question->next;
    asker->under_way++; /* remove_question takes it back */
    question->server = asker->leader;
    return send_on(asker, question);
}

bool asker_ask(struct asker *asker, struct str request, mono_time now, asker_done_fn *done,
               void *arg)
{
    if (asker->waiting == ASKER_QUESTIONS_MAX || asker->bytes + request.len > ASKER_BYTES_MAX) {
        return false;
    }
    struct question *question = x_calloc(1, sizeof *question);
    question->tag = ++asker->last_tag;
    question->end = mono_add_ms(now, ASKER_WAIT_MS);
    question->done = done;
    question->arg = arg;
    buf_append_str(&question->request, request);
    question->prev = asker->last;
    *(asker->last != NULL ? &asker->last->next : &asker->first) = question;
    asker->last = question;
    asker->waiting++;
    asker->bytes += request.len;
    if (asker->unsent == NULL) {
        asker->unsent = question;
        if (asker->under_way < ASKER_UNDER_WAY_MAX && !send_first(asker, question)) {
            remove_question(asker, question);
            return false;
        }
    }
    return true;
}

static void end(struct asker *asker, struct question *question, enum asker_end how,
                struct str reply)
{
    asker_done_fn *done = question->done;
    void *arg = question->arg;
    remove_question(asker, question);
    done(arg, how, reply);
}

/* Ends one of which there is no answer. */
static void give_up(struct asker *asker, struct question *question)
{
    end(asker, question, question->asked != 0 ? ASKER_SILENT : ASKER_UNSENT, STR(""));
}

static struct question *find(const struct asker *asker, uint64_t tag)
{
    struct question *question = asker->first;
    while (question != NULL && question->tag != tag) {
        question = question->next;
    }
    return question;
}

static void take(struct asker *asker, size_t server)
{
    uint64_t tag = 0;
    const struct buf *frames = asker->frames;
    if (frames[0].len == sizeof tag) {
        memcpy(&tag, frames[0].data, sizeof tag);
    }
    struct question *question = find(asker, tag);
    if (question == NULL || question->server != server) {
        return; /* nobody waits for it any more */
    }
    /* It did nothing, since another one leads. */
    const bool unavailable = answer_is_error(buf_str(&frames[2]), ANSWER_UNAVAILABLE);
    if (unavailable && send_on(asker, question)) {
        return;
    }
    asker->leader = unavailable ? asker->leader : server;
    end(asker, question, ASKER_ANSWERED, buf_str(&frames[2]));
}

void asker_process(struct asker *asker, mono_time now)
{
    for (size_t i = 0; i < asker->count; i++) {
        int count;
        while ((count = socket_receive(asker->sockets[i], asker->frames, REPLY_FRAMES,
                                       SOCKET_REPLY_MAX_BYTES)) != 0) {
            if (count == REPLY_FRAMES) {
                take(asker, i);
            }
        }
    }
    while (asker->first != NULL && asker->first->end.us <= now.us) {
        give_up(asker, asker->first);
    }
    while (asker->unsent != NULL && asker->under_way < ASKER_UNDER_WAY_MAX) {
        struct question *question = asker->unsent;
        if (!send_first(asker, question)) {
            end(asker, question, ASKER_UNSENT, STR(""));
        }
    }
}

mono_time asker_next(const struct asker *asker)
{
    return asker->first != NULL ? asker->first->end : MONO_NEVER;
}

void asker_end_all(struct asker *asker)
{
    while (asker->first != NULL) {
        give_up(asker, asker->first);
    }
}

size_t asker_waiting(const struct asker *asker)
{
    return asker->waiting;
}
