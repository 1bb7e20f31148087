/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/rank.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

static struct event_id id_of(const struct rank *rank)
{
    return rank->text != NULL ? event_id_of_place(str_of(rank->text), rank->number)
                              : event_id_of_number(rank->number);
}

bool rank_is_before(const struct rank *rank, const struct event *event)
{
    return event->timestamp.us != rank->us ? event->timestamp.us > rank->us
                                           : event_id_compare(event->id, id_of(rank)) > 0;
}

bool rank_id_is_before(const struct rank *first, const struct rank *second)
{
    return event_id_compare(id_of(first), id_of(second)) < 0;
}

void rank_set(struct rank *rank, const struct event *event)
{
    rank_free(rank);
    rank->us = event->timestamp.us;
    rank->number = event->id.text.p != NULL ? event->id.place : event->id.number;
    if (event->id.text.p != NULL) {
        rank->text = x_strndup(event->id.text.p, event->id.text.len);
    }
}

void rank_free(struct rank *rank)
{
    free(rank->text);
    rank->text = NULL;
}

void rank_save(const struct rank *rank, struct buf *out)
{
    mp_put_int(out, rank->us);
    event_id_save(out, id_of(rank));
}

bool rank_load(struct rank *rank, const mp_value *array, size_t at)
{
    struct event_id id;
    if (!mp_as_int(mp_at(array, at), &rank->us) || !event_id_load(mp_at(array, at + 1), &id)) {
        return false;
    }
    rank->number = id.text.p != NULL ? id.place : id.number;
    rank->text = id.text.p != NULL ? x_strndup(id.text.p, id.text.len) : NULL;
    return true;
}
