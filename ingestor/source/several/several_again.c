/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_again.h"

#include <poll.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"
#include "common/program/log.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/records.h"
#include "ingestor/source/several/several_event.h"

#define TURN_MS 50
#define AGAIN_BYTES_MAX ((size_t)64 << 20) /* of rows that are brought into their order */

bool several_again_open(struct several_source *s, struct str journal)
{
    struct buf records = {0};
    uint64_t number = s->state.record;
    bool good =
        journal.p != NULL && records_behind(journal, several_record_number, &number, &records);
    struct str rest = buf_str(&records);
    struct mp_doc doc;
    mp_doc_init(&doc);
    while (good && rest.len != 0) {
        const size_t len = mp_length(rest.p, rest.len);
        good = mp_parse(&doc, rest.p, len) == STATUS_OK &&
               several_record_runs(&s->state, &doc.root, &s->plan);
        rest = (struct str){rest.p + len, rest.len - len};
    }
    mp_doc_free(&doc);
    buf_free(&records);
    s->state.record = number; /* what follows must not be taken for what is there */
    return good;
}

/* ---- Rows of several batches in one order ---- */

struct placed {
    const struct event *event;
    size_t child;
    uint64_t ordinal;
    bool again;
};

struct placed_rows {
    struct placed *list;
    size_t count;
    size_t cap;
};

static void place(struct placed_rows *rows, const struct event *event, size_t child,
                  uint64_t ordinal, bool again)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap != 0 ? rows->cap * 2 : 256;
        rows->list = x_reallocarray(rows->list, rows->cap, sizeof *rows->list);
    }
    rows->list[rows->count++] = (struct placed){event, child, ordinal, again};
}

static int by_ordinal(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static void add_rows(const struct several_source *s, struct placed_rows *rows, uint64_t floor,
                     struct batch *batch)
{
    if (rows->count > 1) {
        qsort(rows->list, rows->count, sizeof *rows->list, by_ordinal);
    }
    for (size_t i = 0; i < rows->count; i++) {
        const struct placed *row = &rows->list[i];
        if (row->ordinal > floor) {
            several_event_add(s->config, row->child, row->event, row->ordinal, batch)->redelivered =
                row->again ? s->state.origin : 0;
        }
    }
    free(rows->list);
}

static void drop_taken(struct several_source *s, size_t child, bool history)
{
    struct batch *batch;
    struct batch *next;
    DL_FOREACH_SAFE(s->taken[child].list, batch, next)
    {
        if (!history || batch->history) {
            DL_DELETE(s->taken[child].list, batch);
            s->taken[child].bytes -= batch_bytes(batch);
            batch_destroy(&batch);
        }
    }
}

static void await_news(const struct several_source *s)
{
    struct pollfd item = {.fd = s->told_fd, .events = POLLIN};
    (void)poll(&item, 1, TURN_MS);
}

/* ---- History ---- */

/* True when the child has told all that it has of what was delivered, or does not tell. */
static bool has_told(struct several_source *s, size_t child)
{
    while (several_take(s, child)) {
    }
    const struct batch *batch;
    DL_FOREACH(s->taken[child].list, batch)
    {
        if (!batch->history) {
            return true;
        }
    }
    return several_child_standing(&s->children[child]).down;
}

/* Places the history of a child. Returns up to where in the order of delivery rows may be missing.
 */
static uint64_t place_history(struct several_source *s, size_t child, struct placed_rows *rows)
{
    const size_t place_of = s->children[child].place;
    const struct batch *batch;
    uint64_t first = 0;
    bool whole = false;
    DL_FOREACH(s->taken[child].list, batch)
    {
        whole = whole || !batch->history;
        for (size_t i = 0; batch->history && i < batch->count; i++) {
            const uint64_t ordinal = batch->events[i].ordinal;
            const uint64_t at = several_state_find(&s->state, place_of, ordinal);
            first = first == 0 || ordinal < first ? ordinal : first;
            if (at != 0) {
                place(rows, &batch->events[i], child, at, false); /* The ingestor knows. */
            }
        }
    }
    return several_state_before(&s->state, place_of, first != 0 && whole ? first : UINT64_MAX);
}

/* Takes over what the children vouch for, which is of worth only when all of them do: that no row
 * was lost since the state was saved, or that those that are not there had been deleted. */
static void vouch(const struct several_source *s, struct batch *out)
{
    bool runs_on = true;
    bool accounted = true;
    for (size_t i = 0; i < s->count; i++) {
        const struct several_place *place = &s->state.places[s->children[i].place];
        const struct batch *first = s->taken[i].list;
        const bool same = first != NULL && !first->restarted && first->origin == place->origin;
        const bool on = same && first->runs_on;
        runs_on = runs_on && on;
        accounted = accounted &&
                    (place->ordinal == 0 || on || (same && first->accounted >= place->ordinal));
    }
    out->runs_on = runs_on;
    out->accounted = accounted ? s->state.ordinal : 0;
}

void several_again_history(struct several_source *s, struct batch **out)
{
    bool all = false;
    while (!all && clock_mono().us < s->patience.us) {
        all = true;
        for (size_t i = 0; i < s->count; i++) {
            all = has_told(s, i) && all;
        }
        if (!all) {
            await_news(s);
        }
    }
    struct placed_rows rows = {0};
    uint64_t floor = 0;
    for (size_t i = 0; i < s->count; i++) {
        const uint64_t unknown = place_history(s, i, &rows);
        floor = unknown > floor ? unknown : floor;
    }
    *out = several_batch(s);
    add_rows(s, &rows, floor, *out);
    vouch(s, *out);
    for (size_t i = 0; i < s->count; i++) {
        drop_taken(s, i, true);
    }
    (*out)->history = true;
    several_finish(s, *out, NULL, STR(""));
}

/* ---- The plan ---- */

static const struct several_run *plan_of(const struct several_source *s, size_t *count)
{
    *count = s->plan.len / sizeof(struct several_run);
    return (const struct several_run *)(const void *)s->plan.data;
}

/* The ordinal that the plan brings the child to; 0: it has no part in it. */
static uint64_t planned_to(const struct several_source *s, size_t child)
{
    size_t count;
    const struct several_run *runs = plan_of(s, &count);
    uint64_t to = 0;
    for (size_t i = 0; i < count; i++) {
        if (runs[i].place == s->children[child].place && runs[i].to > to) {
            to = runs[i].to;
        }
    }
    return to;
}

enum ready { READY_NOT_YET, READY_YES, READY_NEVER };

/* Whether the child has brought what the plan has of it. */
static enum ready ready(struct several_source *s, size_t child, uint64_t to)
{
    const struct several_place *place_of = &s->state.places[s->children[child].place];
    while (s->taken[child].bytes < AGAIN_BYTES_MAX && several_take(s, child)) {
    }
    const struct batch *batch;
    bool reached = false;
    DL_FOREACH(s->taken[child].list, batch)
    {
        if (batch->restarted || (!batch->history && batch->origin != place_of->origin)) {
            return READY_NEVER;
        }
        reached = reached || (!batch->history && (batch->ordinal >= to || !batch->more));
    }
    if (reached) {
        return READY_YES;
    }
    return s->taken[child].bytes >= AGAIN_BYTES_MAX ||
                   several_child_standing(&s->children[child]).down
               ? READY_NEVER
               : READY_NOT_YET;
}

static enum ready await_plan(struct several_source *s)
{
    enum ready all = READY_NOT_YET;
    while (all == READY_NOT_YET && clock_mono().us < s->patience.us) {
        all = READY_YES;
        for (size_t i = 0; i < s->count && all != READY_NEVER; i++) {
            const uint64_t to = planned_to(s, i);
            const enum ready one = to != 0 ? ready(s, i, to) : READY_YES;
            all = one != READY_YES ? one : all;
        }
        if (all == READY_NOT_YET) {
            await_news(s);
        }
    }
    return all;
}

/* Moves the state along the plan. False when it does not go on from there. */
static bool advance_along(struct several_source *s)
{
    size_t count;
    const struct several_run *runs = plan_of(s, &count);
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        const struct several_place *p = &s->state.places[runs[i].place];
        const struct several_news news = {p->origin, runs[i].from + 1, runs[i].to, runs[i].count};
        good = runs[i].ordinal == s->state.ordinal && runs[i].from >= p->ordinal;
        if (good) {
            (void)several_state_advance(&s->state, runs[i].place, &news);
        }
    }
    return good;
}

/* Delivers what the child has brought: rows of the plan at their places, others behind all. */
static void take_child(struct several_source *s, size_t child, uint64_t to,
                       struct placed_rows *rows, struct batch *out, struct buf *journal)
{
    const size_t place_of = s->children[child].place;
    struct several_place *p = &s->state.places[place_of];
    struct buf change = {0}; /* The state will be whole. */
    const struct batch *batch;
    DL_FOREACH(s->taken[child].list, batch)
    {
        struct several_news news = {p->origin, 0, batch->ordinal, 0};
        for (size_t i = 0; i < batch->count && !batch->history; i++) {
            if (batch->events[i].ordinal > to) {
                news.first = news.first != 0 ? news.first : batch->events[i].ordinal;
                news.count++;
            }
        }
        struct several_run run = {.place = place_of};
        if (!batch->history && batch->ordinal > to) {
            run = several_state_advance(&s->state, place_of, &news);
            s->state.record++;
            several_record_put(&s->state, &run, 1, batch->journal, journal);
        }
        for (size_t i = 0; i < batch->count && !batch->history; i++) {
            const uint64_t ordinal = batch->events[i].ordinal;
            place(rows, &batch->events[i], child,
                  ordinal > to ? several_ordinal(&run, ordinal)
                               : several_state_find(&s->state, place_of, ordinal),
                  p->again);
        }
        p->again = p->again && (batch->history || batch->more);
        several_note(s, child, batch, &run, out, &change);
    }
    buf_free(&change);
}

void several_again_plan(struct several_source *s, struct batch **out)
{
    *out = NULL;
    if (await_plan(s) != READY_YES || !advance_along(s)) {
        log_warn("a source that was read before cannot be read as it was then, so the order of "
                 "delivery since the checkpoint is another one: streams begin anew, and tiles go "
                 "on");
        several_state_lose_order(&s->state);
        buf_free(&s->plan);
        return;
    }
    struct placed_rows rows = {0};
    struct buf journal = {0};
    *out = several_batch(s);
    for (size_t i = 0; i < s->count; i++) {
        const uint64_t to = planned_to(s, i);
        if (to != 0) {
            take_child(s, i, to, &rows, *out, &journal);
        }
    }
    add_rows(s, &rows, 0, *out);
    for (size_t i = 0; i < s->count; i++) {
        if (planned_to(s, i) != 0) {
            drop_taken(s, i, false);
        }
    }
    buf_free(&s->plan);
    several_finish(s, *out, NULL, buf_str(&journal));
    buf_free(&journal);
}
