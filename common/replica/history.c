/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/history.h"

#include "common/base/error.h"
#include "common/codec/mp_patch.h"

/* By what an event is known again. */
static const char *const identity[] = {"id", "timestamp", "event_type"};

static bool same_row(struct replica *r, const struct eventlog_entry *entry, const mp_value *fields)
{
    if (mp_parse(&r->held, entry->fields->data, entry->fields->len) != STATUS_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof identity / sizeof *identity; i++) {
        const mp_value *held = mp_get(&r->held.root, identity[i]);
        const mp_value *told = mp_get(fields, identity[i]);
        if ((held == NULL) != (told == NULL) || (held != NULL && !mp_equal(held, told, 0))) {
            return false;
        }
    }
    return true;
}

enum history history_judge(struct replica *r, uint64_t ordinal, const mp_value *fields,
                           uint64_t *confirmed)
{
    const uint64_t last = eventlog_last(r->events);
    if (ordinal > last) {
        return *confirmed < last ? HISTORY_OTHER : HISTORY_NEXT;
    }
    if (ordinal > eventlog_floor(r->events)) {
        const struct eventlog_entry *entry = eventlog_after(r->events, ordinal - 1);
        if (entry == NULL || entry->ordinal != ordinal || !same_row(r, entry, fields)) {
            return HISTORY_OTHER;
        }
    }
    *confirmed = ordinal > *confirmed ? ordinal : *confirmed;
    return HISTORY_KNOWN;
}

uint64_t history_vouched(const struct replica *r)
{
    const uint64_t last = eventlog_last(r->events);
    const bool same = r->sync.continues != 0 && r->lanes[0].last.epoch >= r->sync.continues;
    const uint64_t confirmed = same ? r->confirmed : 0; /* what is doubtful stays so */
    const uint64_t accounted = r->sync.accounted < last ? r->sync.accounted : last;
    return confirmed > accounted ? confirmed : accounted;
}

bool history_is_doubtful(const struct replica *r)
{
    return r->confirmed < eventlog_last(r->events);
}

uint64_t history_ask_after(const struct replica *r, bool new_epoch)
{
    const size_t count = eventlog_count(r->events);
    if (count == 0 || (!new_epoch && !history_is_doubtful(r))) {
        return eventlog_last(r->events);
    }
    const size_t first = count > HISTORY_OVERLAP ? count - HISTORY_OVERLAP : 0;
    return eventlog_at(r->events, first)->ordinal - 1;
}
