/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/order.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

void order_free(struct order *order)
{
    free(order->segments);
    free(order->lates);
    *order = (struct order){0};
}

static void add_segment(struct order *order, int64_t above, uint64_t offset)
{
    const size_t count = order->segment_count;
    if (count != 0 && order->segments[count - 1].above == above) {
        order->segments[count - 1].offset = offset; /* several came late at once */
        return;
    }
    order->segments = x_reallocarray(order->segments, count + 1, sizeof *order->segments);
    order->segments[order->segment_count++] = (struct order_segment){above, offset};
}

static void add_late(struct order *order, int64_t id, uint64_t ordinal, uint64_t delivered)
{
    order->lates = x_reallocarray(order->lates, order->late_count + 1, sizeof *order->lates);
    order->lates[order->late_count++] = (struct order_late){id, ordinal, delivered};
}

void order_late(struct order *order, int64_t id, uint64_t ordinal, int64_t position,
                uint64_t offset)
{
    add_late(order, id, ordinal, order->delivered);
    add_segment(order, position, offset);
}

void order_forget(struct order *order, uint64_t keep)
{
    size_t gone = 0;
    while (gone < order->late_count && order->lates[gone].delivered + keep <= order->delivered) {
        order->forgotten = order->lates[gone++].ordinal;
    }
    if (gone == 0) {
        return;
    }
    order->late_count -= gone;
    memmove(order->lates, order->lates + gone, order->late_count * sizeof *order->lates);
    /* A segment is needed as long as the one behind it begins above what is forgotten. */
    gone = 0;
    while (gone + 1 < order->segment_count &&
           (uint64_t)order->segments[gone + 1].above + order->segments[gone + 1].offset <=
               order->forgotten) {
        gone++;
    }
    if (gone != 0) {
        order->segment_count -= gone;
        memmove(order->segments, order->segments + gone,
                order->segment_count * sizeof *order->segments);
    }
}

uint64_t order_of(const struct order *order, int64_t id)
{
    for (size_t i = 0; i < order->late_count; i++) {
        if (order->lates[i].id == id) {
            return order->lates[i].ordinal;
        }
    }
    uint64_t offset = 0;
    size_t low = 0;
    size_t high = order->segment_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order->segments[middle].above < id) {
            offset = order->segments[middle].offset;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (uint64_t)id + offset;
}

void order_save(const struct order *order, struct buf *out)
{
    mp_put_array(out, 4);
    mp_put_array(out, 2 * order->segment_count);
    for (size_t i = 0; i < order->segment_count; i++) {
        mp_put_int(out, order->segments[i].above);
        mp_put_uint(out, order->segments[i].offset);
    }
    mp_put_array(out, 3 * order->late_count);
    for (size_t i = 0; i < order->late_count; i++) {
        mp_put_int(out, order->lates[i].id);
        mp_put_uint(out, order->lates[i].ordinal);
        mp_put_uint(out, order->lates[i].delivered);
    }
    mp_put_uint(out, order->delivered);
    mp_put_uint(out, order->forgotten);
}

bool order_load(struct order *order, const mp_value *value)
{
    const mp_value *segments = mp_at(value, 0);
    const mp_value *lates = mp_at(value, 1);
    int64_t id;
    uint64_t number;
    uint64_t delivered;
    for (size_t i = 0; i < mp_count(segments); i += 2) {
        if (!mp_as_int(mp_at(segments, i), &id) || !mp_as_uint(mp_at(segments, i + 1), &number)) {
            return false;
        }
        add_segment(order, id, number);
    }
    for (size_t i = 0; i < mp_count(lates); i += 3) {
        if (!mp_as_int(mp_at(lates, i), &id) || !mp_as_uint(mp_at(lates, i + 1), &number) ||
            !mp_as_uint(mp_at(lates, i + 2), &delivered)) {
            return false;
        }
        add_late(order, id, number, delivered);
    }
    return mp_is_array(segments) && mp_is_array(lates) &&
           mp_as_uint(mp_at(value, 2), &order->delivered) &&
           mp_as_uint(mp_at(value, 3), &order->forgotten);
}
