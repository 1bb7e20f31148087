/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/waiting.h"

#include <assert.h>
#include <stdlib.h>

#include <utlist.h>

#include "common/base/xalloc.h"

struct waiting {
    size_t max;
    void (*wake)(void *arg, struct waiting_item *item, enum waiting_end reason);
    void *arg;
    struct waiting_item *lists[WAITING_LISTS]; /* One list for each enum waiting_for. */
    struct heap ends;     /* All items that wait; keys: microseconds of the monotonic clock. */
    uint64_t events_seen; /* The ordinal of the last event taken up. */
    uint32_t events_generation; /* The generation of the log when events_seen was set. */
    struct waiting_counters counters;
};

struct waiting *waiting_create(size_t max,
                               void (*wake)(void *arg, struct waiting_item *item,
                                            enum waiting_end reason),
                               void *arg)
{
    struct waiting *waiting = x_calloc(1, sizeof *waiting);
    waiting->max = max;
    waiting->wake = wake;
    waiting->arg = arg;
    return waiting;
}

void waiting_destroy(struct waiting **waiting_p)
{
    struct waiting *waiting = *waiting_p;
    if (waiting == NULL) {
        return;
    }
    assert(waiting->ends.count == 0);
    heap_free(&waiting->ends);
    free(waiting);
    *waiting_p = NULL;
}

void waiting_set_max(struct waiting *waiting, size_t max)
{
    waiting->max = max;
}

bool waiting_full(const struct waiting *waiting)
{
    return waiting_unused(waiting) == 0;
}

size_t waiting_unused(const struct waiting *waiting)
{
    return waiting->ends.count < waiting->max ? waiting->max - waiting->ends.count : 0;
}

void waiting_add(struct waiting *waiting, struct waiting_item *item, enum waiting_for what,
                 struct selection *selection, mono_time end)
{
    assert(!item->waits && !waiting_full(waiting));
    *item = (struct waiting_item){
        .selection = *selection, .what = what, .waits = true, .end = {.index = HEAP_NONE}};
    *selection = (struct selection){0};
    heap_set(&waiting->ends, &item->end, end.us);
    DL_APPEND(waiting->lists[what], item);
    waiting->counters.begun++;
}

void waiting_add_resume(struct waiting *waiting, struct waiting_item *item,
                        struct event_id event_id, mono_time end)
{
    struct selection none = {0};
    waiting_add(waiting, item, WAITING_TO_RESUME, &none, end);
    item->event_id = event_id;
    waiting->counters.ahead++;
}

void waiting_remove(struct waiting *waiting, struct waiting_item *item)
{
    if (!item->waits) {
        return;
    }
    item->waits = false;
    heap_remove(&waiting->ends, &item->end);
    DL_DELETE(waiting->lists[item->what], item);
    selection_free(&item->selection);
}

static void wake(struct waiting *waiting, struct waiting_item *item, enum waiting_end reason)
{
    waiting_remove(waiting, item);
    waiting->counters.changed += reason == WAITING_CHANGED;
    waiting->counters.over += reason == WAITING_OVER;
    waiting->wake(waiting->arg, item, reason);
}

void waiting_tile(struct waiting *waiting, struct str key, struct name_number number)
{
    struct waiting_item *item;
    struct waiting_item *next;
    DL_FOREACH_SAFE(waiting->lists[WAITING_FOR_TILES], item, next)
    {
        if (selection_matches_numbered(&item->selection, key, number)) {
            wake(waiting, item, WAITING_CHANGED);
        }
    }
}

/* Wakes the items that selected the event. */
static void wake_selecting(struct waiting *waiting, const struct eventlog_entry *entry)
{
    struct waiting_item *item;
    struct waiting_item *next;
    DL_FOREACH_SAFE(waiting->lists[WAITING_FOR_EVENTS], item, next)
    {
        if (selection_matches_numbered(&item->selection, entry->event_type, entry->type)) {
            wake(waiting, item, WAITING_CHANGED);
        }
    }
}

/* Wakes the items that want to resume after this event. */
static void wake_resuming(struct waiting *waiting, struct event_id event_id)
{
    struct waiting_item *item;
    struct waiting_item *next;
    DL_FOREACH_SAFE(waiting->lists[WAITING_TO_RESUME], item, next)
    {
        if (eventlog_means(item->event_id, event_id)) {
            wake(waiting, item, WAITING_CHANGED);
        }
    }
}

static void wake_all(struct waiting *waiting, enum waiting_for what)
{
    while (waiting->lists[what] != NULL) {
        wake(waiting, waiting->lists[what], WAITING_CHANGED);
    }
}

void waiting_events(struct waiting *waiting, const struct eventlog *events)
{
    if (eventlog_generation(events) != waiting->events_generation ||
        waiting->events_seen < eventlog_floor(events)) {
        waiting->events_generation = eventlog_generation(events);
        waiting->events_seen = eventlog_last(events);
        wake_all(waiting, WAITING_FOR_EVENTS);
        wake_all(waiting, WAITING_TO_RESUME);
        return;
    }
    const struct eventlog_entry *entry;
    while (
        (waiting->lists[WAITING_FOR_EVENTS] != NULL || waiting->lists[WAITING_TO_RESUME] != NULL) &&
        (entry = eventlog_after(events, waiting->events_seen)) != NULL) {
        waiting->events_seen = entry->ordinal;
        wake_selecting(waiting, entry);
        wake_resuming(waiting, entry->id);
    }
    waiting->events_seen = eventlog_last(events);
}

void waiting_expire(struct waiting *waiting, mono_time now)
{
    struct heap_item *top;
    while ((top = heap_top(&waiting->ends)) != NULL && top->key <= now.us) {
        wake(waiting, heap_entry(top, struct waiting_item, end), WAITING_OVER);
    }
}

mono_time waiting_next(const struct waiting *waiting)
{
    const struct heap_item *top = heap_top(&waiting->ends);
    return top != NULL ? (mono_time){top->key} : MONO_NEVER;
}

size_t waiting_drain(struct waiting *waiting, size_t max)
{
    struct heap_item *top;
    for (; max != 0 && (top = heap_top(&waiting->ends)) != NULL; max--) {
        wake(waiting, heap_entry(top, struct waiting_item, end), WAITING_LET_GO);
    }
    return waiting->ends.count;
}

size_t waiting_count(const struct waiting *waiting)
{
    return waiting->ends.count;
}

struct waiting_counters *waiting_counters(struct waiting *waiting)
{
    return &waiting->counters;
}
