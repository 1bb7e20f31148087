/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_anchors.h"

#include "ingestor/source/batch.h"

void sqlite_anchors_add(struct sqlite_anchors *anchors, struct anchor row)
{
    anchors->rows[anchors->next] = row;
    anchors->next = (anchors->next + 1) % SQLITE_ANCHORS_MAX;
    anchors->count += anchors->count < SQLITE_ANCHORS_MAX;
}

void sqlite_anchors_add_batch(struct sqlite_anchors *anchors, const struct batch *batch, bool again)
{
    const size_t first = batch->count > SQLITE_ANCHORS_MAX ? batch->count - SQLITE_ANCHORS_MAX : 0;
    for (size_t i = first; i < batch->count; i++) {
        const struct anchor row = anchor_of(batch, &batch->events[i]);
        if (!again || sqlite_anchors_match(anchors, &row) == SQLITE_ANCHORS_UNKNOWN) {
            sqlite_anchors_add(anchors, row);
        }
    }
}

enum sqlite_anchors_match sqlite_anchors_match(const struct sqlite_anchors *anchors,
                                               const struct anchor *row)
{
    for (size_t i = 0; i < anchors->count; i++) {
        if (anchors->rows[i].id == row->id) {
            return anchors->rows[i].digest == row->digest ? SQLITE_ANCHORS_SAME
                                                          : SQLITE_ANCHORS_OTHER;
        }
    }
    return SQLITE_ANCHORS_UNKNOWN;
}

void sqlite_anchors_save(const struct sqlite_anchors *anchors, struct buf *out)
{
    mp_put_array(out, (uint32_t)anchors->count);
    for (size_t i = 0; i < anchors->count; i++) {
        const size_t at =
            (anchors->next + SQLITE_ANCHORS_MAX - anchors->count + i) % SQLITE_ANCHORS_MAX;
        anchor_save(&anchors->rows[at], out);
    }
}

bool sqlite_anchors_load(struct sqlite_anchors *anchors, const mp_value *value)
{
    *anchors = (struct sqlite_anchors){0};
    struct anchor row;
    for (uint32_t i = 0; i < SQLITE_ANCHORS_MAX && mp_at(value, i) != NULL; i++) {
        if (!anchor_load(&row, mp_at(value, i))) {
            *anchors = (struct sqlite_anchors){0};
            return false;
        }
        sqlite_anchors_add(anchors, row);
    }
    return true;
}
