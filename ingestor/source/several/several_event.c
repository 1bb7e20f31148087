/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_event.h"

#include <stdio.h>
#include <string.h>

/* The text NAME-ID, at the place that the source gives it. */
static struct event_id id_of(const struct config_source *source, const struct event *event,
                             struct batch *batch)
{
    char number[EVENT_ID_NUMBER_SIZE];
    char text[CONFIG_SOURCE_NAME_MAX + 1 + EVENT_ID_OWN_MAX + 1];
    _Static_assert(sizeof text <= EVENT_ID_MAX + 1, "a source's longest id has room");
    const struct str own = event_id_format(event->id, number);
    const int len = snprintf(text, sizeof text, "%s-%.*s", source->name, (int)own.len, own.p);
    const struct str whole = {text, (size_t)len};
    const int64_t place = event->id.text.p != NULL ? event->id.place : event->id.number;
    return event_id_of_place(batch_text(batch, whole), place);
}

static void fill_extras(const struct config_source *all, const struct event *event,
                        struct event_extra *to, struct batch *batch)
{
    for (size_t i = 0; i < all->extra_count; i++) {
        to[i].name = all->extras[i].field;
        for (size_t k = 0; k < event->extra_count; k++) {
            if (strcmp(event->extras[k].name, to[i].name) == 0) {
                to[i].value = batch_text(batch, event->extras[k].value);
            }
        }
    }
}

struct event *several_event_add(const struct config *config, size_t source,
                                const struct event *event, uint64_t ordinal, struct batch *batch)
{
    struct event *to = batch_event(batch);
    *to = (struct event){
        .id = id_of(&config->sources[source], event, batch),
        .ordinal = ordinal,
        .source = (unsigned)source,
        .timestamp = event->timestamp,
        .arrival = event->arrival,
        .event_type = batch_text(batch, event->event_type),
        .actor_id = batch_text(batch, event->actor_id),
        .target_id = batch_text(batch, event->target_id),
        .summary = batch_text(batch, event->summary),
        .payload = batch_text(batch, event->payload),
    };
    fill_extras(&config->source, event, batch_extras(batch, to), batch);
    return to;
}
