/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

static void unlink_row(struct waiting *waiting, struct waiting_row *row)
{
    heap_remove(&waiting->soonest, &row->soonest);
    heap_remove(&waiting->furthest, &row->furthest);
    waiting->bytes -= row->bytes;
}

void waiting_finish(struct waiting *waiting)
{
    struct heap_item *top;
    while ((top = heap_top(&waiting->furthest)) != NULL) {
        struct waiting_row *row = heap_entry(top, struct waiting_row, furthest);
        unlink_row(waiting, row);
        free(row);
    }
    heap_free(&waiting->soonest);
    heap_free(&waiting->furthest);
}

static struct str copy_text(char **end, struct str text)
{
    if (text.p == NULL) {
        return STR_NULL;
    }
    const struct str copy = {*end, text.len};
    memcpy(*end, text.p, text.len);
    *end += text.len;
    return copy;
}

/* The row, its extras and all texts in one piece of memory. */
static struct waiting_row *copy_row(const struct event *event)
{
    const size_t extras_bytes = event->extra_count * sizeof *event->extras;
    size_t bytes = sizeof(struct waiting_row) + extras_bytes + event->id.text.len +
                   event->event_type.len + event->actor_id.len + event->target_id.len +
                   event->summary.len + event->payload.len;
    for (size_t i = 0; i < event->extra_count; i++) {
        bytes += event->extras[i].value.len;
    }
    struct waiting_row *row = x_calloc(1, bytes);
    struct event_extra *extras = (struct event_extra *)(void *)(row + 1);
    char *end = (char *)(row + 1) + extras_bytes;
    row->bytes = bytes;
    row->event = *event;
    row->event.id.text = copy_text(&end, event->id.text);
    row->event.event_type = copy_text(&end, event->event_type);
    row->event.actor_id = copy_text(&end, event->actor_id);
    row->event.target_id = copy_text(&end, event->target_id);
    row->event.summary = copy_text(&end, event->summary);
    row->event.payload = copy_text(&end, event->payload);
    for (size_t i = 0; i < event->extra_count; i++) {
        extras[i].name = event->extras[i].name;
        extras[i].value = copy_text(&end, event->extras[i].value);
    }
    row->event.extras = extras;
    return row;
}

size_t waiting_add(struct waiting *waiting, const struct event *event)
{
    struct waiting_row *row = copy_row(event);
    row->soonest = (struct heap_item){.tie = event->id.number, .index = HEAP_NONE};
    row->furthest = (struct heap_item){.tie = ~event->id.number, .index = HEAP_NONE};
    heap_set(&waiting->soonest, &row->soonest, event->timestamp.us);
    heap_set(&waiting->furthest, &row->furthest,
             ~event->timestamp.us); /* ~ turns the order round */
    waiting->bytes += row->bytes;
    size_t dropped = 0;
    struct heap_item *top;
    while ((waiting_count(waiting) > WAITING_ROWS_MAX || waiting->bytes > WAITING_BYTES_MAX) &&
           (top = heap_top(&waiting->furthest)) != NULL) {
        struct waiting_row *last = heap_entry(top, struct waiting_row, furthest);
        unlink_row(waiting, last);
        free(last);
        dropped++;
    }
    return dropped;
}

wall_time waiting_next(const struct waiting *waiting)
{
    const struct heap_item *top = heap_top(&waiting->soonest);
    return top != NULL ? (wall_time){top->key} : WALL_NEVER;
}

struct waiting_row *waiting_take(struct waiting *waiting, wall_time now)
{
    struct heap_item *top = heap_top(&waiting->soonest);
    if (top == NULL || top->key > now.us) {
        return NULL;
    }
    struct waiting_row *row = heap_entry(top, struct waiting_row, soonest);
    unlink_row(waiting, row);
    return row;
}

/* ---- Saving and loading ---- */

static void put_text(struct buf *out, struct str text)
{
    if (text.p != NULL) {
        mp_put_bin(out, text);
    } else {
        mp_put_nil(out);
    }
}

static void save_row(const struct event *event, struct buf *out)
{
    mp_put_array(out, 8);
    event_id_put(out, event->id);
    mp_put_int(out, event->timestamp.us);
    put_text(out, event->event_type);
    put_text(out, event->actor_id);
    put_text(out, event->target_id);
    put_text(out, event->summary);
    put_text(out, event->payload);
    mp_put_map(out, event->extra_count);
    for (size_t i = 0; i < event->extra_count; i++) {
        mp_put_text(out, event->extras[i].name);
        put_text(out, event->extras[i].value);
    }
}

void waiting_save(const struct waiting *waiting, struct buf *out)
{
    mp_put_array(out, waiting_count(waiting));
    for (size_t i = 0; i < waiting_count(waiting); i++) {
        save_row(&heap_entry(waiting->soonest.slots[i].item, struct waiting_row, soonest)->event,
                 out);
    }
}

static bool get_text(const mp_value *value, struct str *out)
{
    *out = STR_NULL;
    return mp_is_nil(value) || mp_as_bin(value, out);
}

bool waiting_load(struct waiting *waiting, const struct config_source *source,
                  const mp_value *value)
{
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        struct event_extra extras[CONFIG_EXTRAS_MAX];
        struct event event = {.extras = extras, .extra_count = source->extra_count};
        if (!event_id_read(mp_at(saved, 0), &event.id) ||
            !mp_as_int(mp_at(saved, 1), &event.timestamp.us) ||
            !get_text(mp_at(saved, 2), &event.event_type) || event.event_type.p == NULL ||
            !get_text(mp_at(saved, 3), &event.actor_id) ||
            !get_text(mp_at(saved, 4), &event.target_id) ||
            !get_text(mp_at(saved, 5), &event.summary) ||
            !get_text(mp_at(saved, 6), &event.payload)) {
            return false;
        }
        for (size_t k = 0; k < source->extra_count; k++) {
            extras[k].name = source->extras[k].field;
            const mp_value *saved_extra = mp_get(mp_at(saved, 7), extras[k].name);
            extras[k].value = STR_NULL; /* also when the column was added since */
            if (saved_extra != NULL && !get_text(saved_extra, &extras[k].value)) {
                return false;
            }
        }
        (void)waiting_add(waiting, &event);
    }
    return mp_is_array(value);
}
