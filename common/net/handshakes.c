/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/handshakes.h"

#include <string.h>
#include <zmq.h>

#include "common/net/curve.h"
#include "common/net/sockets.h"

enum handshake handshake_of(unsigned event)
{
    return event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH        ? HANDSHAKE_REFUSED
           : event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL  ? HANDSHAKE_UNLIKE
           : event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ? HANDSHAKE_BROKEN
                                                           : HANDSHAKE_NONE;
}

void *handshakes_watch(void *socket)
{
    return socket_monitor(socket, HANDSHAKE_EVENTS);
}

/* An event is its number (16 bits), its value (32 bits), and in a second frame the address. */
enum handshake handshakes_next(void *watch)
{
    struct buf frames[2] = {{0}, {0}};
    uint16_t event = 0;
    if (watch != NULL && socket_receive(watch, frames, 2, 4096) == 2 &&
        frames[0].len >= sizeof event) {
        memcpy(&event, frames[0].data, sizeof event);
    }
    buf_free(&frames[0]);
    buf_free(&frames[1]);
    return handshake_of(event);
}

static const char *own_key(const struct config *config, char key[CONFIG_CURVE_KEY_SIZE])
{
    struct error err;
    return config->curve.enabled && curve_own_key(config, key, &err) == STATUS_OK ? key : "";
}

void handshakes_explain(enum handshake failure, const char *address, const struct config *config,
                        struct error *err)
{
    char key[CONFIG_CURVE_KEY_SIZE];
    switch (failure) {
    case HANDSHAKE_NONE:
        *err = (struct error){{0}};
        break;
    case HANDSHAKE_REFUSED:
        error_set(err, STATUS_DENIED,
                  "%.200s refuses our key %s: its clients file has to name it, with a role that "
                  "may do this",
                  address, own_key(config, key));
        break;
    case HANDSHAKE_UNLIKE:
    case HANDSHAKE_BROKEN:
        error_set(err, STATUS_DENIED, "%.200s ends each connection before anything is said: %s",
                  address,
                  config->curve.enabled
                      ? "it has another key than the one that is expected of it, or none"
                      : "it has keys and this configuration has none (`curve`), or it is no server "
                        "of Tilewire's");
        break;
    }
}
