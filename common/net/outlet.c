/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/outlet.h"

#include <stdlib.h>

#include <zmq.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "common/net/sockets.h"

/* What libzmq keeps of each frame of a queue, besides what is in it. */
#define FRAME_BYTES 64

#define ADDRESS_BYTES 4096 /* of whom libzmq tells, at most */

/* What a message is taken to be long before there were any. */
#define ASSUMED_BYTES 512

/* Setting the mark is a walk over all subscribers. So it goes down further than need be, and up
 * only when it may be so many times as high. */
#define RAISE 4

/*
 * When the mark changes, libzmq 4.3.4 tells the other end of each pipe, in its own thread, also of
 * one that has been freed there and not yet here: then the program crashes. So the mark stays as it
 * is while connections end:
 *
 *   libzmq's thread   tells of it ─► asks to end the pipe        frees its end ─► confirms
 *   this thread                            └► agrees ─────────────┘                └► frees its end
 *
 * Each arrow is a command that the other thread takes in when it gets its turn, this one when the
 * socket is used. STEP_MS after we heard of it, what libzmq asked for is here, and is agreed to at
 * that use of the socket at the latest; STEP_MS later the confirmation is here.
 */
enum pipes { SETTLED, ENDING, AGREED };
#define STEP_MS 500

/* The queue of what libzmq tells has no bound: it is looked into after so many messages. */
#define HEAR_EACH 1024

struct outlet {
    void *socket;
    void *ends; /* libzmq tells over it of connections that end */
    enum pipes pipes;
    mono_time since;                  /* when that began */
    size_t unheard;                   /* messages since `ends` was read */
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
    void *ends = socket_monitor(socket, ZMQ_EVENT_DISCONNECTED);
    if (ends == NULL) {
        socket_close(&socket);
        error_set(err, STATUS_FULL, "no ZeroMQ socket could be made: %s",
                  zmq_strerror(zmq_errno()));
        return NULL;
    }
    struct outlet *outlet = x_calloc(1, sizeof *outlet);
    outlet->socket = socket;
    outlet->ends = ends;
    outlet->mark = SOCKET_PUBLISH_HWM;
    for (size_t i = 0; i < SOCKET_PUBLISH_HWM; i++) {
        remember(outlet, ASSUMED_BYTES);
    }
    return outlet;
}

void outlet_destroy(struct outlet **outlet)
{
    if (*outlet != NULL) {
        socket_monitor_close((*outlet)->socket, &(*outlet)->ends);
        socket_close(&(*outlet)->socket);
        free(*outlet);
        *outlet = NULL;
    }
}

void *outlet_socket(const struct outlet *outlet)
{
    return outlet->socket;
}

/* Takes in what libzmq told of connections. Returns whether one has ended. */
static bool hear(struct outlet *outlet)
{
    struct buf frames[2] = {{0}, {0}};
    bool ended = false;
    while (socket_receive(outlet->ends, frames, 2, ADDRESS_BYTES) != 0) {
        ended = true;
    }
    buf_free(&frames[0]);
    buf_free(&frames[1]);
    outlet->unheard = 0;
    return ended;
}

/* True when the mark may change; until the socket is used again. */
static bool pipes_are_settled(struct outlet *outlet)
{
    const mono_time now = clock_mono();
    (void)socket_readable(outlet->socket); /* what has come for its pipes is taken in */
    if (hear(outlet)) {
        outlet->pipes = ENDING;
        outlet->since = now;
    } else if (outlet->pipes != SETTLED && now.us - outlet->since.us >= STEP_MS * US_PER_MS) {
        outlet->pipes = outlet->pipes == ENDING ? AGREED : SETTLED;
        outlet->since = now;
    }
    return outlet->pipes == SETTLED;
}

static size_t wanted_mark(const struct outlet *outlet)
{
    if (outlet->count < outlet->mark) {
        return outlet->count - outlet->count / 4;
    }
    const bool higher = outlet->count / RAISE >= outlet->mark ||
                        (outlet->count == SOCKET_PUBLISH_HWM && outlet->mark != SOCKET_PUBLISH_HWM);
    return higher ? outlet->count : outlet->mark;
}

bool outlet_send(struct outlet *outlet, const struct str *frames, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += FRAME_BYTES + frames[i].len;
    }
    remember(outlet, bytes);
    const size_t wanted = wanted_mark(outlet);
    if (wanted != outlet->mark && pipes_are_settled(outlet)) {
        outlet->mark = wanted;
        socket_set_send_hwm(outlet->socket, (int)wanted);
    } else if (++outlet->unheard >= HEAR_EACH && hear(outlet)) {
        outlet->pipes = ENDING;
        outlet->since = clock_mono();
    }
    return socket_send(outlet->socket, frames, count);
}
