/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/server.h"

#include <zmq.h>

#include "common/net/sockets.h"

/* A request is identity, tags of the asker and of proxies on the way, delimiter, and body. */
#define REQUEST_FRAMES_MAX SERVER_FRAMES_MAX

struct server {
    void *router;
    struct query *query;
    size_t head; /* How many frames the envelope of the request has that is being answered. */
    struct buf frames[REQUEST_FRAMES_MAX];
    struct buf user; /* of the request that is being answered: see server_key */
    struct buf reply;
};

int server_create(const char *address, const struct config *config, struct query *query,
                  struct server **out, struct error *err)
{
    const int64_t largest = query->push != NULL ? SOCKET_PUSH_MAX_BYTES : SOCKET_REQUEST_MAX_BYTES;
    void *router = socket_bind_server(address, largest, config, err);
    if (router == NULL) {
        return STATUS_IO;
    }
    struct server *server = x_calloc(1, sizeof *server);
    server->router = router;
    server->query = query;
    *out = server;
    return STATUS_OK;
}

void server_destroy(struct server **server_p)
{
    struct server *server = *server_p;
    if (server == NULL) {
        return;
    }
    socket_close(&server->router);
    for (size_t i = 0; i < REQUEST_FRAMES_MAX; i++) {
        buf_free(&server->frames[i]);
    }
    buf_free(&server->user);
    buf_free(&server->reply);
    free(server);
    *server_p = NULL;
}

void *server_socket(const struct server *server)
{
    return server->router;
}

/* How many frames the envelope has: it ends with the first empty frame after the identity. 0 when
 * there is no such frame. */
static size_t envelope_frames(const struct server *server, size_t count)
{
    for (size_t i = 1; i + 1 < count; i++) {
        if (server->frames[i].len == 0) {
            return i + 1;
        }
    }
    return 0;
}

size_t server_envelope(const struct server *server, struct str frames[SERVER_FRAMES_MAX])
{
    for (size_t i = 0; i < server->head; i++) {
        frames[i] = buf_str(&server->frames[i]);
    }
    return server->head;
}

const char *server_key(struct server *server)
{
    return buf_cstr(&server->user);
}

void server_reply(struct server *server, const struct str *frames, size_t count, struct str reply)
{
    struct str out[SERVER_FRAMES_MAX + 1];
    memcpy(out, frames, count * sizeof *out);
    out[count] = reply;
    (void)socket_send(server->router, out, count + 1);
}

static void answer(struct server *server, size_t count, mono_time now)
{
    const size_t head = envelope_frames(server, count);
    if (head == 0) {
        server->query->refused++; /* without a delimiter it is unknown where the envelope ends */
        return;
    }
    /* A body of more than one frame is answered as an empty one is: with `bad_request`. */
    const struct str request = count == head + 1 ? buf_str(&server->frames[head]) : STR("");
    buf_clear(&server->reply);
    server->head = head;
    query_answer(server->query, request, now, &server->reply);
    if (server->reply.len != 0) { /* else it is answered later */
        struct str frames[SERVER_FRAMES_MAX];
        (void)server_envelope(server, frames);
        server_reply(server, frames, head, buf_str(&server->reply));
    }
}

bool server_process(struct server *server, mono_time now, unsigned budget)
{
    const mono_time end = mono_add_ms(clock_mono(), SERVER_TURN_MS);
    for (unsigned i = 0; i < budget && (i == 0 || clock_mono().us < end.us); i++) {
        const int count = socket_receive_from(
            server->router, server->frames, REQUEST_FRAMES_MAX,
            server->query->push != NULL ? QUERY_PUSH_MAX : QUERY_REQUEST_MAX, &server->user);
        if (count == 0) {
            return false;
        }
        if (count < 0) {
            server->query->refused++;
        } else {
            answer(server, (size_t)count, now);
        }
    }
    return true;
}
