/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/outlet.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/net/sockets.h"

/* What libzmq keeps of each frame of a queue, besides what is in it. */
#define FRAME_BYTES 64

/* What a message is taken to be long before there were any. */
#define ASSUMED_BYTES 512

/* Setting the mark is a walk over all subscribers. So it goes down further than need be, and up
 * only when it may be so many times as high. */
#define RAISE 4

struct outlet {
    void *socket;
    size_t sizes[SOCKET_PUBLISH_HWM]; /* a ring of the last messages' */
    size_t next;                      /* index in it of the next one */
    size_t count;                     /* of those whose sum is `bytes` */
    size_t bytes;                     /* at most OUTLET_QUEUE_BYTES, unless count is 1 */
    size_t mark;                      /* as the socket has it */
};

static void forget_oldest(struct outlet *outlet)
{
    const size_t oldest = (outlet->next + SOCKET_PUBLISH_HWM - outlet->count) % SOCKET_PUBLISH_HWM;
    outlet->bytes -= outlet->sizes[oldest];
    outlet->count--;
}

static void remember(struct outlet *outlet, size_t bytes)
{
    if (outlet->count == SOCKET_PUBLISH_HWM) {
        forget_oldest(outlet);
    }
    outlet->sizes[outlet->next] = bytes;
    outlet->next = (outlet->next + 1) % SOCKET_PUBLISH_HWM;
    outlet->bytes += bytes;
    outlet->count++;
    while (outlet->bytes > OUTLET_QUEUE_BYTES && outlet->count > 1) {
        forget_oldest(outlet);
    }
}

struct outlet *outlet_create(int type, const char *address, const struct config *config,
                             struct error *err)
{
    void *socket = socket_bind(type, address, config, err);
    if (socket == NULL) {
        return NULL;
    }
    struct outlet *outlet = x_calloc(1, sizeof *outlet);
    outlet->socket = socket;
    outlet->mark = SOCKET_PUBLISH_HWM;
    for (size_t i = 0; i < SOCKET_PUBLISH_HWM; i++) {
        remember(outlet, ASSUMED_BYTES);
    }
    return outlet;
}

void outlet_destroy(struct outlet **outlet)
{
    if (*outlet != NULL) {
        socket_close(&(*outlet)->socket);
        free(*outlet);
        *outlet = NULL;
    }
}

void *outlet_socket(const struct outlet *outlet)
{
    return outlet->socket;
}

static void set_mark(struct outlet *outlet, size_t mark)
{
    outlet->mark = mark;
    socket_set_send_hwm(outlet->socket, (int)mark);
}

bool outlet_send(struct outlet *outlet, const struct str *frames, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += FRAME_BYTES + frames[i].len;
    }
    remember(outlet, bytes);
    if (outlet->count < outlet->mark) {
        set_mark(outlet, outlet->count - outlet->count / 4);
    } else if (outlet->count / RAISE >= outlet->mark ||
               (outlet->count == SOCKET_PUBLISH_HWM && outlet->mark != SOCKET_PUBLISH_HWM)) {
        set_mark(outlet, outlet->count);
    }
    return socket_send(outlet->socket, frames, count);
}
