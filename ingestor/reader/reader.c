/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader.h"

#include <czmq.h>

#include "common/base/handover.h"
#include "common/base/xalloc.h"
#include "ingestor/reader/reader_thread.h"

struct reader {
    zactor_t *actor;
    struct reader_lag *lag;
};

struct reader *reader_create(const struct reader_parts *parts)
{
    struct reader *reader = x_calloc(1, sizeof *reader);
    struct reader_parts copy = *parts;
    reader->lag = copy.lag = reader_lag_create();
    reader->actor = zactor_new(reader_thread_main, &copy); /* returns when the copy is read */
    handover_take(&copy);
    return reader;
}

static void command(struct reader *reader, enum reader_command_kind kind, struct str bytes,
                    uint64_t number)
{
    const struct reader_command command = {
        .kind = kind,
        .bytes = bytes.p != NULL ? x_memdup(bytes.p, bytes.len) : NULL,
        .len = bytes.len,
        .number = number,
    };
    handover_give(command.bytes);
    zmq_send(reader_socket(reader), &command, sizeof command, 0);
}

void reader_destroy(struct reader **reader_p)
{
    struct reader *reader = *reader_p;
    if (reader == NULL) {
        return;
    }
    struct reader_message message = {0};
    command(reader, READER_COMMAND_STOP, STR_NULL, 0);
    while (message.kind != READER_STOPPED) { /* what it sends until then is ours to free */
        zmq_pollitem_t item = {reader_socket(reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, -1);
        if (reader_receive(reader, &message)) {
            reader_message_free(&message);
        }
    }
    zactor_destroy(&reader->actor);
    reader_lag_destroy(&reader->lag);
    free(reader);
    *reader_p = NULL;
}

void reader_lag(const struct reader *reader, struct lag *out, mono_time *known_at)
{
    reader_lag_get(reader->lag, out, known_at);
}

void *reader_socket(const struct reader *reader)
{
    return zsock_resolve(reader->actor);
}

bool reader_receive(struct reader *reader, struct reader_message *out)
{
    *out = (struct reader_message){0};
    if (zmq_recv(reader_socket(reader), out, sizeof *out, ZMQ_DONTWAIT) != (int)sizeof *out) {
        return false;
    }
    handover_take(out->batch);
    handover_take(out->state);
    return true;
}

void reader_begin(struct reader *reader, struct str state, uint64_t epoch)
{
    command(reader, READER_COMMAND_BEGIN, state, epoch);
}

void reader_credit(struct reader *reader)
{
    command(reader, READER_COMMAND_CREDIT, STR_NULL, 0);
}

void reader_wake(struct reader *reader)
{
    command(reader, READER_COMMAND_WAKE, STR_NULL, 0);
}

void reader_save(struct reader *reader, struct state_changes *changes, uint64_t record)
{
    const struct reader_command command = {
        .kind = READER_COMMAND_SAVE, .changes = changes, .number = record};
    handover_give(changes);
    zmq_send(reader_socket(reader), &command, sizeof command, 0);
}
