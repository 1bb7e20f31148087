/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_marks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

void cursor_mark_set(struct cursor_mark *mark, const struct cursor_row *row)
{
    buf_clear(&mark->time);
    buf_clear(&mark->id);
    buf_append_str(&mark->time, row->key.time);
    buf_append_str(&mark->id, row->key.id);
    mark->us = row->time.us;
}

void cursor_mark_free(struct cursor_mark *mark)
{
    buf_free(&mark->time);
    buf_free(&mark->id);
    *mark = (struct cursor_mark){0};
}

const struct cursor_key *cursor_mark_key(const struct cursor_mark *mark, struct cursor_key *key)
{
    if (mark == NULL || mark->time.len == 0) {
        return NULL;
    }
    *key = (struct cursor_key){buf_str(&mark->time), buf_str(&mark->id)};
    return key;
}

void cursor_mark_save(const struct cursor_mark *mark, struct buf *out)
{
    if (mark->time.len == 0) {
        mp_put_nil(out);
        return;
    }
    mp_put_array(out, 4);
    mp_put_bin(out, buf_str(&mark->time));
    mp_put_bin(out, buf_str(&mark->id));
    mp_put_int(out, mark->us);
    mp_put_uint(out, mark->ordinal);
}

bool cursor_mark_load(struct cursor_mark *mark, const mp_value *value)
{
    struct cursor_row row = {.placed = true};
    cursor_mark_free(mark);
    if (mp_is_nil(value)) {
        return value != NULL;
    }
    if (!mp_as_bin(mp_at(value, 0), &row.key.time) || row.key.time.len == 0 ||
        !mp_as_bin(mp_at(value, 1), &row.key.id) || !mp_as_int(mp_at(value, 2), &row.time.us) ||
        !mp_as_uint(mp_at(value, 3), &mark->ordinal)) {
        return false;
    }
    cursor_mark_set(mark, &row);
    return true;
}

void cursor_marks_free(struct cursor_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        cursor_mark_free(&marks->list[i]);
    }
    free(marks->list);
    *marks = (struct cursor_marks){0};
}

static struct cursor_mark *append(struct cursor_marks *marks)
{
    if (marks->count == marks->cap) {
        marks->cap = marks->cap != 0 ? 2 * marks->cap : 16;
        marks->list = x_reallocarray(marks->list, marks->cap, sizeof *marks->list);
    }
    struct cursor_mark *mark = &marks->list[marks->count++];
    *mark = (struct cursor_mark){0};
    return mark;
}

void cursor_marks_add(struct cursor_marks *marks, const struct cursor_mark *position,
                      int64_t step_us)
{
    int64_t us = position->us;
    if (marks->count != 0) {
        const struct cursor_mark *last = &marks->list[marks->count - 1];
        if (us - last->us < step_us && position->ordinal < last->ordinal + CURSOR_MARK_ROWS) {
            return;
        }
        us = us > last->us ? us
                           : last->us; /* times that are written in several forms may not grow */
    }
    struct cursor_mark *mark = append(marks);
    buf_append_str(&mark->time, buf_str(&position->time));
    buf_append_str(&mark->id, buf_str(&position->id));
    mark->us = us;
    mark->ordinal = position->ordinal;
}

void cursor_marks_floor_at(struct cursor_marks *marks, const struct cursor_mark *position)
{
    cursor_marks_free(marks);
    cursor_marks_add(marks, position, 0);
    marks->floor = 1;
}

/* How many marks of the list have that time or an earlier one, counted from the first. */
static size_t count_until(const struct cursor_marks *marks, int64_t us)
{
    size_t low = 0;
    size_t high = marks->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (marks->list[middle].us <= us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct cursor_mark *cursor_marks_before(const struct cursor_marks *marks, int64_t us)
{
    const size_t count = count_until(marks, us);
    return count != 0 ? &marks->list[count - 1] : NULL;
}

void cursor_marks_raise(struct cursor_marks *marks, int64_t us)
{
    const size_t count = count_until(marks, us);
    marks->floor = count > marks->floor ? count : marks->floor;
}

const struct cursor_mark *cursor_marks_floor(const struct cursor_marks *marks)
{
    return marks->floor != 0 ? &marks->list[marks->floor - 1] : NULL;
}

void cursor_marks_forget(struct cursor_marks *marks, uint64_t ordinal)
{
    size_t gone = 0;
    while (gone + 1 < marks->floor && marks->list[gone + 1].ordinal <= ordinal) {
        cursor_mark_free(&marks->list[gone++]);
    }
    if (gone != 0) {
        marks->count -= gone;
        marks->floor -= gone;
        memmove(marks->list, marks->list + gone, marks->count * sizeof *marks->list);
    }
}

void cursor_marks_save(const struct cursor_marks *marks, struct buf *out)
{
    mp_put_array(out, 2);
    mp_put_uint(out, marks->floor);
    mp_put_array(out, marks->count);
    for (size_t i = 0; i < marks->count; i++) {
        cursor_mark_save(&marks->list[i], out);
    }
}

bool cursor_marks_load(struct cursor_marks *marks, const mp_value *value)
{
    const mp_value *list = mp_at(value, 1);
    uint64_t floor;
    if (!mp_as_uint(mp_at(value, 0), &floor) || !mp_is_array(list) || floor > mp_count(list)) {
        return false;
    }
    for (size_t i = 0; i < mp_count(list); i++) {
        struct cursor_mark *mark = append(marks);
        if (!cursor_mark_load(mark, mp_at(list, i)) || mark->time.len == 0) {
            return false;
        }
    }
    marks->floor = floor;
    return true;
}
