/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_past.h"

#include <string.h>

#include <utlist.h>

#include "common/codec/mp_check.h"
#include "ingestor/source/cursor/cursor_keys.h"

/* ---- Opening ---- */

static void copy_mark(struct cursor_mark *mark, const struct cursor_mark *from)
{
    struct cursor_row row = {.placed = true};
    cursor_mark_free(mark);
    if (from != NULL && cursor_mark_key(from, &row.key) != NULL) {
        row.time.us = from->us;
        cursor_mark_set(mark, &row);
    }
}

/* Goes to a part, or to the next one that can have rows. */
static void begin_part(struct cursor_past *p, enum cursor_past_part part)
{
    const struct cursor_state *to = &p->cursor->state;
    const struct cursor_mark *floor = cursor_marks_floor(&to->marks);
    if (part == CURSOR_PAST_BEFORE && floor == NULL) {
        part = CURSOR_PAST_WINDOW;
    }
    if (part == CURSOR_PAST_WINDOW && to->position.time.len == 0) {
        part = CURSOR_PAST_AHEAD;
    }
    if (part == CURSOR_PAST_AHEAD && to->set.ahead == NULL) {
        part = CURSOR_PAST_OVER;
    }
    p->part = part;
    copy_mark(&p->at, part == CURSOR_PAST_BEFORE ? cursor_marks_floor(&p->from.marks) : floor);
}

/* [part, the row that was read last, the first one's time, how many of those ahead] */
static void save_done(const struct cursor_past *p, struct buf *out)
{
    mp_put_array(out, 4);
    mp_put_uint(out, p->part);
    cursor_mark_save(&p->at, out);
    mp_put_int(out, p->first_us);
    mp_put_uint(out, p->ahead);
}

static bool load_done(struct cursor_past *p, struct str done)
{
    struct mp_doc doc;
    uint64_t part = 0;
    mp_doc_init(&doc);
    const bool ok =
        mp_parse(&doc, done.p, done.len) == STATUS_OK && mp_as_uint(mp_at(&doc.root, 0), &part) &&
        part <= CURSOR_PAST_OVER && cursor_mark_load(&p->at, mp_at(&doc.root, 1)) &&
        mp_as_int(mp_at(&doc.root, 2), &p->first_us) && mp_as_uint(mp_at(&doc.root, 3), &p->ahead);
    p->part = (enum cursor_past_part)part;
    mp_doc_free(&doc);
    return ok;
}

/* The states are loaded without a configuration, so that a late window that has changed since does
 * not change what they say. */
int cursor_past_open(struct cursor_past *p, struct cursor *cursor, const struct config *config,
                     const struct cursor_db *db, struct str from, struct str to, struct str done,
                     struct error *err)
{
    *p = (struct cursor_past){.cursor = cursor, .first_us = INT64_MIN};
    *cursor = (struct cursor){.db = *db};
    bool ok = from.len == 0 || cursor_state_load(&p->from, from);
    ok = ok && cursor_state_load(&cursor->state, to);
    cursor->state.config = config;
    if (ok && done.p != NULL) {
        ok = load_done(p, done);
    } else if (ok) {
        begin_part(p, CURSOR_PAST_BEFORE);
    }
    return ok ? STATUS_OK
              : error_set(
                    err, STATUS_INVALID,
                    "a tile's place in the events table is that of another source or version");
}

void cursor_past_close(struct cursor_past *p)
{
    cursor_state_free(&p->from);
    cursor_mark_free(&p->at);
}

/* ---- Reading ---- */

struct reading {
    struct cursor_past *p;
    struct batch *batch;
    wall_time now;
    bool full;               /* The batch is. */
    struct cursor_keys keys; /* of rows ahead, with how many of those ahead are read with each */
};

/* A row that stands where only `to` can tell, or neither. */
static bool is_wanted(const struct cursor_past *p, struct str id)
{
    return (p->part == CURSOR_PAST_BEFORE || cursor_set_find(&p->cursor->state.set, id) != NULL) &&
           cursor_set_find(&p->from.set, id) == NULL;
}

static bool take_row(void *arg, const struct cursor_row *row)
{
    struct reading *r = arg;
    struct cursor_past *p = r->p;
    if (!row->placed) {
        return true;
    }
    cursor_mark_set(&p->at, row);
    p->first_us = p->first_us == INT64_MIN ? row->time.us : p->first_us;
    if (is_wanted(p, row->id)) {
        cursor_add_event(p->cursor, r->batch, row, 0, r->now);
        r->full = batch_is_full(r->batch);
    }
    return !r->full;
}

/* Rows of the first two parts. */
static int read_rows(struct reading *r, size_t max_rows, struct error *err)
{
    struct cursor_past *p = r->p;
    const struct cursor_state *to = &p->cursor->state;
    const struct cursor_db *db = &p->cursor->db;
    const struct cursor_mark *end =
        p->part == CURSOR_PAST_BEFORE ? cursor_marks_floor(&to->marks) : &to->position;
    struct cursor_mark at = {.us = 0}; /* a copy: it moves meanwhile */
    struct cursor_key keys[2];
    bool more = false;
    int status = STATUS_OK;
    copy_mark(&at, &p->at);
    const struct cursor_range range = {.after = cursor_mark_key(&at, &keys[0]),
                                       .until = cursor_mark_key(end, &keys[1]),
                                       .max_rows = max_rows};
    status = db->scan(db->arg, &range, take_row, r, &more, err);
    if (status == STATUS_OK && !more && !r->full) {
        begin_part(p, p->part + 1);
    }
    cursor_mark_free(&at);
    return status;
}

static bool take_ahead(void *arg, const struct cursor_row *row)
{
    struct reading *r = arg;
    cursor_add_event(r->p->cursor, r->batch, row, 0, r->now);
    r->full = batch_is_full(r->batch);
    r->p->ahead = r->full ? r->keys.numbers[row->asked] : r->p->ahead;
    return !r->full;
}

static int read_ahead(struct reading *r, size_t max_rows, struct error *err)
{
    struct cursor_past *p = r->p;
    const struct cursor_db *db = &p->cursor->db;
    const struct cursor_entry *entry;
    uint64_t at = 0;
    DL_FOREACH(p->cursor->state.set.ahead, entry)
    {
        if (at++ < p->ahead || !is_wanted(p, cursor_entry_id(entry))) {
            continue;
        }
        const struct cursor_key key = cursor_entry_key(entry);
        cursor_keys_add(&r->keys, &key, at);
        if (r->keys.count == max_rows) {
            break;
        }
    }
    const int status = db->find(db->arg, r->keys.list, r->keys.count, take_ahead, r, err);
    if (status == STATUS_OK && !r->full) {
        p->ahead = at;
        p->part = entry == NULL ? CURSOR_PAST_OVER : p->part;
    }
    cursor_keys_free(&r->keys);
    return status;
}

/* By the time of the row that was read last, between the first one's and the position's. */
static double progress(const struct cursor_past *p)
{
    if (p->part >= CURSOR_PAST_AHEAD) {
        return 1;
    }
    if (p->first_us == INT64_MIN || p->at.time.len == 0) {
        return 0;
    }
    const double all = (double)p->cursor->state.position.us - (double)p->first_us;
    const double done = (double)p->at.us - (double)p->first_us;
    return all <= 0 || done >= all ? 1 : (done < 0 ? 0 : done / all);
}

int cursor_past_read(struct cursor_past *p, size_t max_rows, struct batch **out, struct error *err)
{
    struct reading r = {.p = p, .now = clock_wall()};
    struct buf done = {0};
    int status = STATUS_OK;
    r.batch = batch_create(p->cursor->state.config->source.extra_count);
    if (p->part == CURSOR_PAST_BEFORE || p->part == CURSOR_PAST_WINDOW) {
        status = read_rows(&r, max_rows, err);
    } else if (p->part == CURSOR_PAST_AHEAD) {
        status = read_ahead(&r, max_rows, err);
    }
    if (status != STATUS_OK) { /* it is closed, and opened again behind the batch before */
        batch_destroy(&r.batch);
        return status;
    }
    r.batch->history = true;
    r.batch->more = p->part != CURSOR_PAST_OVER;
    r.batch->progress = progress(p);
    save_done(p, &done);
    batch_finish(r.batch, buf_str(&done), STR(""));
    buf_free(&done);
    *out = r.batch;
    return STATUS_OK;
}
