/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/batch.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

/*
 * While the batch is filled its memory moves as it grows, so texts are kept as offsets (plus one,
 * for 0 is NULL) in the place of the pointer.
 */
struct batch_memory {
    struct buf text;
    size_t text_before;         /* length of text before the last event */
    struct event_extra *extras; /* extra_count for each event */
    size_t extra_count;
    size_t event_cap;
    struct buf state;
    struct buf journal;
};

struct batch *batch_create(size_t extra_count)
{
    struct batch *batch = x_calloc(1, sizeof *batch);
    batch->memory = x_calloc(1, sizeof *batch->memory);
    batch->memory->extra_count = extra_count;
    return batch;
}

void batch_destroy(struct batch **batch_p)
{
    struct batch *batch = *batch_p;
    if (batch == NULL) {
        return;
    }
    buf_free(&batch->memory->text);
    buf_free(&batch->memory->state);
    buf_free(&batch->memory->journal);
    free(batch->memory->extras);
    free(batch->memory);
    free(batch->events);
    free(batch);
    *batch_p = NULL;
}

struct event *batch_event(struct batch *batch)
{
    struct batch_memory *memory = batch->memory;
    if (batch->count == memory->event_cap) {
        memory->event_cap = memory->event_cap != 0 ? memory->event_cap * 2 : 16;
        batch->events = x_reallocarray(batch->events, memory->event_cap, sizeof *batch->events);
        if (memory->extra_count != 0) {
            memory->extras = x_reallocarray(memory->extras, memory->event_cap * memory->extra_count,
                                            sizeof *memory->extras);
        }
    }
    memory->text_before = memory->text.len;
    struct event *event = &batch->events[batch->count++];
    *event = (struct event){0};
    for (size_t i = 0; i < memory->extra_count; i++) {
        batch_extras(batch, event)[i] = (struct event_extra){0};
    }
    return event;
}

struct event_extra *batch_extras(struct batch *batch, const struct event *event)
{
    return &batch->memory->extras[(size_t)(event - batch->events) * batch->memory->extra_count];
}

size_t batch_bytes(const struct batch *batch)
{
    const struct batch_memory *memory = batch->memory;
    return memory->text.len + memory->state.len + memory->journal.len +
           batch->count * (sizeof *batch->events + memory->extra_count * sizeof *memory->extras);
}

void batch_drop_event(struct batch *batch)
{
    batch->memory->text.len = batch->memory->text_before;
    batch->count--;
    batch->unusable++;
}

struct str batch_text(struct batch *batch, struct str text)
{
    if (text.p == NULL) {
        return STR_NULL;
    }
    const size_t offset = batch->memory->text.len;
    buf_append(&batch->memory->text, text.p, text.len);
    /* An offset for now; rebase makes it an address.
     * NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return (struct str){(const char *)(uintptr_t)(offset + 1), text.len};
}

static void rebase(struct str *text, const char *base)
{
    if (text->p != NULL) {
        text->p = base + ((uintptr_t)text->p - 1);
    }
}

struct str batch_text_of(const struct batch *batch, struct str text)
{
    rebase(&text, batch->memory->text.data);
    return text;
}

void batch_finish(struct batch *batch, struct str state, struct str journal)
{
    struct batch_memory *memory = batch->memory;
    const char *base = buf_cstr(&memory->text);
    for (size_t i = 0; i < batch->count; i++) {
        struct event *event = &batch->events[i];
        rebase(&event->id.text, base);
        rebase(&event->event_type, base);
        rebase(&event->actor_id, base);
        rebase(&event->target_id, base);
        rebase(&event->summary, base);
        rebase(&event->payload, base);
        for (size_t k = 0; k < memory->extra_count; k++) {
            rebase(&batch_extras(batch, event)[k].value, base);
        }
        if (memory->extra_count != 0) {
            event->extras = batch_extras(batch, event);
            event->extra_count = memory->extra_count;
        }
    }
    buf_append_str(&memory->state, state);
    batch->state = buf_str(&memory->state);
    buf_append_str(&memory->journal, journal);
    batch->journal = buf_str(&memory->journal);
}
