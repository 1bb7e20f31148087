/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/anchors.h"

#include "ingestor/source/batch.h"

void anchors_add(struct anchors *anchors, struct anchor row)
{
    anchors->rows[anchors->next] = row;
    anchors->next = (anchors->next + 1) % ANCHORS_MAX;
    anchors->count += anchors->count < ANCHORS_MAX;
}

void anchors_add_batch(struct anchors *anchors, const struct batch *batch, bool again)
{
    const size_t first = batch->count > ANCHORS_MAX ? batch->count - ANCHORS_MAX : 0;
    for (size_t i = first; i < batch->count; i++) {
        const struct anchor row = anchor_of(batch, &batch->events[i]);
        if (!again || anchors_match(anchors, &row) == ANCHORS_UNKNOWN) {
            anchors_add(anchors, row);
        }
    }
}

enum anchors_match anchors_match(const struct anchors *anchors, const struct anchor *row)
{
    for (size_t i = 0; i < anchors->count; i++) {
        if (anchors->rows[i].id == row->id) {
            return anchors->rows[i].digest == row->digest ? ANCHORS_SAME : ANCHORS_OTHER;
        }
    }
    return ANCHORS_UNKNOWN;
}

int64_t anchors_least(const struct anchors *anchors)
{
    int64_t least = 0;
    for (size_t i = 0; i < anchors->count; i++) {
        least = i == 0 || anchors->rows[i].id < least ? anchors->rows[i].id : least;
    }
    return least;
}

void anchors_save(const struct anchors *anchors, struct buf *out)
{
    mp_put_array(out, (uint32_t)anchors->count);
    for (size_t i = 0; i < anchors->count; i++) {
        const size_t at = (anchors->next + ANCHORS_MAX - anchors->count + i) % ANCHORS_MAX;
        anchor_save(&anchors->rows[at], out);
    }
}

bool anchors_load(struct anchors *anchors, const mp_value *value)
{
    *anchors = (struct anchors){0};
    struct anchor row;
    for (uint32_t i = 0; i < ANCHORS_MAX && mp_at(value, i) != NULL; i++) {
        if (!anchor_load(&row, mp_at(value, i))) {
            *anchors = (struct anchors){0};
            return false;
        }
        anchors_add(anchors, row);
    }
    return true;
}
