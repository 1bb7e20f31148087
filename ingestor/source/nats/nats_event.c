/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_event.h"

#include <stdlib.h>

#include "ingestor/source/nats/nats_subject.h"

#define LAST_MS INT64_C(253402300799999) /* of the year 9999 */
#define NS_PER_MS INT64_C(1000000)

void nats_events_init(struct nats_events *events, const struct config_source *source)
{
    *events = (struct nats_events){.nats = &source->nats, .reader = message_reader_create(source)};
}

void nats_events_free(struct nats_events *events)
{
    message_reader_destroy(&events->reader);
    buf_free(&events->header);
}

struct headers {
    natsMsg *message;
    struct buf *name;
};

static struct str header_of(void *arg, const char *prefix, struct str name)
{
    const struct headers *headers = arg;
    const char **values = NULL;
    int count = 0;
    buf_clear(headers->name);
    buf_append_text(headers->name, prefix);
    buf_append_str(headers->name, name);
    if (natsMsgHeader_Values(headers->message, buf_cstr(headers->name), &values, &count) !=
            NATS_OK ||
        count == 0) {
        return STR_NULL;
    }
    const struct str last = str_of(values[count - 1]); /* the message's own */
    free((void *)values);
    return last;
}

/* With several subjects all of the stream is read. */
static bool is_wanted(const struct config_nats *nats, const char *subject)
{
    for (size_t i = 0; i < nats->subject_count; i++) {
        if (nats_subject_covers(nats->subjects[i], subject)) {
            return true;
        }
    }
    return nats->subject_count == 0;
}

/* What stands for a key that was deleted in a bucket (NATS' key-value store) has no value. */
static struct str value_of(natsMsg *message)
{
    const char *operation;
    const size_t len = (size_t)natsMsg_GetDataLength(message);
    if (len == 0 && natsMsgHeader_Get(message, "KV-Operation", &operation) == NATS_OK) {
        return STR_NULL;
    }
    return (struct str){len != 0 ? natsMsg_GetData(message) : "", len};
}

static wall_time time_of(int64_t time_ns)
{
    const int64_t ms = time_ns / NS_PER_MS;
    return ms >= 0 && ms <= LAST_MS ? (wall_time){ms * US_PER_MS} : WALL_NEVER;
}

void nats_events_add(struct nats_events *events, const struct nats_message *m, uint64_t ordinal,
                     wall_time now, struct batch *batch)
{
    struct headers headers = {m->message, &events->header};
    const struct message message = {
        .topic = str_of(natsMsg_GetSubject(m->message)),
        .value = value_of(m->message),
        .time = time_of(m->time_ns),
        .header = header_of,
        .header_arg = &headers,
    };
    enum unusable why;
    if (!is_wanted(events->nats, message.topic.p)) {
        return;
    }
    struct event *event = batch_event(batch);
    event->id = event_id_of_number((int64_t)m->sequence);
    event->ordinal = ordinal;
    event->arrival = now;
    switch (message_fill(events->reader, &message, batch, event, &why)) {
    case MESSAGE_USABLE:
        break;
    case MESSAGE_UNUSABLE:
        batch_drop_event(batch);
        unusable_row(&events->unusable, why, (int64_t)m->sequence);
        break;
    case MESSAGE_NOTHING:
        batch_drop_event(batch);
        batch->unusable--;
        break;
    }
}
