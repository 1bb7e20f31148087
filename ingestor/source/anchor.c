/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/anchor.h"

#include "common/base/fnv.h"
#include "ingestor/source/batch.h"

uint64_t anchor_digest(wall_time timestamp, struct str event_type)
{
    return fnv1a(FNV_BEGIN ^ (uint64_t)timestamp.us, event_type);
}

struct anchor anchor_of(const struct batch *batch, const struct event *event)
{
    return (struct anchor){
        event->id.number, anchor_digest(event->timestamp, batch_text_of(batch, event->event_type))};
}

void anchor_drop(struct anchor *anchor, const struct batch *batch)
{
    if (batch->count != 0) {
        *anchor = anchor_of(batch, &batch->events[batch->count - 1]);
    }
}

bool anchor_holds(const struct anchor *anchor, const struct batch *batch)
{
    return anchor->id == 0 || (batch->count != 0 && batch->events[0].id.number == anchor->id &&
                               anchor_of(batch, &batch->events[0]).digest == anchor->digest);
}

void anchor_save(const struct anchor *anchor, struct buf *out)
{
    mp_put_array(out, 2);
    mp_put_int(out, anchor->id);
    mp_put_uint(out, anchor->digest);
}

bool anchor_load(struct anchor *anchor, const mp_value *value)
{
    return mp_as_int(mp_at(value, 0), &anchor->id) && mp_as_uint(mp_at(value, 1), &anchor->digest);
}
