/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of events at the gateway of the world, and what it may be given. Only included by
 * test_replica.c. */
#ifndef TESTS_COMMON_REPLICA_REPLICA_STREAM_H
#define TESTS_COMMON_REPLICA_REPLICA_STREAM_H

#include "tests/common/replica/replica_nodes.h"

/* The row that an event is made of; NULL: the table has lost it. */
static const struct row *row_of(const struct world *w, const struct eventlog_entry *entry)
{
    struct mp_doc doc;
    uint64_t history = 0;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, entry->fields->data, entry->fields->len), STATUS_OK);
    assert_true(mp_as_uint(mp_get(&doc.root, "timestamp"), &history));
    mp_doc_free(&doc);
    for (size_t i = w->row_count; i > 0; i--) {
        const struct row *row = &w->rows[i - 1];
        if (row->ordinal == entry->ordinal && row->history == history) {
            assert_int_equal(entry->id.number, row->id);
            return row;
        }
    }
    assert_true(history < w->history);
    return NULL;
}

static bool is_lost(const struct world *w, const struct eventlog *events)
{
    const size_t count = eventlog_count(events);
    return count != 0 && eventlog_origin(events) == w->origin &&
           row_of(w, eventlog_at(events, count - 1)) == NULL;
}

/* What a stream is given next. */
static void see(struct world *w, const struct eventlog_entry *entry)
{
    const struct row *row = row_of(w, entry);
    if (row == NULL) {
        w->seen_lost = true; /* nobody could know it yet, or the message was under way */
        return;
    }
    if (w->seen_lost) {
        fail_msg("event %llu follows one that the table has lost, without a reset",
                 (unsigned long long)entry->ordinal);
    }
    if (w->seen != 0 && (row == w->rows || row[-1].ordinal != w->seen)) {
        fail_msg("event %llu follows %llu, and %llu were skipped",
                 (unsigned long long)entry->ordinal, (unsigned long long)w->seen,
                 (unsigned long long)(entry->ordinal - w->seen - 1));
    }
}

/* A stream at the gateway: each event once and none left out, unless it was told to start over. */
static void read_stream(struct world *w)
{
    const struct node *node = &w->nodes[GATEWAY];
    if (!node->up || !replica_events_whole(node->replica)) {
        return;
    }
    if (eventlog_generation(node->events) != w->seen_generation ||
        w->seen < eventlog_floor(node->events)) { /* it fell out of the log: `reset` */
        w->seen_generation = eventlog_generation(node->events);
        w->seen = eventlog_last(node->events);
        w->seen_lost = is_lost(w, node->events);
        return;
    }
    const struct eventlog_entry *entry;
    while ((entry = eventlog_after(node->events, w->seen)) != NULL) {
        if (eventlog_origin(node->events) == w->origin) {
            see(w, entry);
        }
        w->seen = entry->ordinal;
    }
    w->seen = eventlog_last(node->events);
}

#endif
