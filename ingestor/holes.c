#include "ingestor/holes.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void holes_free(struct holes *holes)
{
    free(holes->list);
    *holes = (struct holes){0};
}

static void reserve(struct holes *holes)
{
    if (holes->count == holes->cap) {
        holes->cap = holes->cap != 0 ? holes->cap * 2 : 16;
        holes->list = x_reallocarray(holes->list, holes->cap, sizeof *holes->list);
    }
}

static void remove_at(struct holes *holes, size_t index)
{
    memmove(&holes->list[index], &holes->list[index + 1],
            (holes->count - index - 1) * sizeof *holes->list);
    holes->count--;
}

void holes_add(struct holes *holes, int64_t first, int64_t last, uint64_t fence, wall_time since)
{
    if (holes->count >= HOLES_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < holes->count; i++) {
            if (holes->list[i].since.us < holes->list[oldest].since.us) {
                oldest = i;
            }
        }
        remove_at(holes, oldest);
        holes->given_up++;
    }
    reserve(holes);
    holes->list[holes->count++] = (struct hole){first, last, fence, since};
}

bool holes_fill(struct holes *holes, int64_t id)
{
    size_t low = 0;
    size_t high = holes->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (holes->list[middle].last < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == holes->count || holes->list[low].first > id) {
        return false;
    }
    struct hole *hole = &holes->list[low];
    if (hole->first == hole->last) {
        remove_at(holes, low);
    } else if (hole->first == id) {
        hole->first++;
    } else if (hole->last == id) {
        hole->last--;
    } else {
        reserve(holes);
        hole = &holes->list[low];
        memmove(hole + 1, hole, (holes->count - low) * sizeof *hole);
        holes->count++;
        hole[0].last = id - 1;
        hole[1].first = id + 1;
    }
    return true;
}

size_t holes_forget(struct holes *holes, uint64_t xmin, wall_time now, int64_t late_window_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < holes->count; i++) {
        const struct hole *hole = &holes->list[i];
        const bool over = now.us - hole->since.us > late_window_ms * US_PER_MS;
        if (hole_is_hot(hole, xmin) || !over) {
            holes->list[kept++] = *hole;
        }
    }
    const size_t forgotten = holes->count - kept;
    holes->count = kept;
    return forgotten;
}

uint64_t holes_ids(const struct holes *holes)
{
    uint64_t ids = 0;
    for (size_t i = 0; i < holes->count; i++) {
        ids += (uint64_t)(holes->list[i].last - holes->list[i].first) + 1;
    }
    return ids;
}

wall_time holes_oldest(const struct holes *holes)
{
    wall_time oldest = WALL_NEVER;
    for (size_t i = 0; i < holes->count; i++) {
        if (holes->list[i].since.us < oldest.us) {
            oldest = holes->list[i].since;
        }
    }
    return oldest;
}

void holes_save(const struct holes *holes, struct buf *out)
{
    mp_put_array(out, holes->count);
    for (size_t i = 0; i < holes->count; i++) {
        const struct hole *hole = &holes->list[i];
        mp_put_array(out, 4);
        mp_put_int(out, hole->first);
        mp_put_int(out, hole->last);
        mp_put_uint(out, hole->fence);
        mp_put_int(out, hole->since.us);
    }
}

bool holes_load(struct holes *holes, const mp_value *value)
{
    int64_t above = INT64_MIN;
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        struct hole hole;
        if (!mp_as_int(mp_at(saved, 0), &hole.first) || !mp_as_int(mp_at(saved, 1), &hole.last) ||
            !mp_as_uint(mp_at(saved, 2), &hole.fence) ||
            !mp_as_int(mp_at(saved, 3), &hole.since.us) || hole.first <= above ||
            hole.last < hole.first) {
            return false;
        }
        above = hole.last;
        holes_add(holes, hole.first, hole.last, hole.fence, hole.since);
    }
    return mp_is_array(value);
}
