/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_state.h"

#include <stdlib.h>

#include "common/codec/mp.h"

#define STATE_FORMAT 4

void pg_state_save(const struct postgres_source *s, struct buf *out)
{
    mp_put_array(out, 19);
    mp_put_int(out, STATE_FORMAT);
    mp_put_int(out, s->at.position);
    mp_put_uint(out, s->at.offset);
    mp_put_uint(out, s->at.last_ordinal);
    mp_put_uint(out, s->at.origin);
    mp_put_int(out, s->table.oid);
    holes_save(&s->holes, out);
    mp_put_uint(out, s->journal.record);
    order_save(&s->order, out);
    mp_put_uint(out, s->journal.ceiling);
    mp_put_int(out, s->snapshot.file);
    anchor_save(&s->anchor, out);
    mp_put_int(out, s->at.unplaced);
    mp_put_uint(out, s->snapshot.xmax);
    mp_put_uint(out, s->past.system);
    mp_put_uint(out, s->past.timeline);
    mp_put_int(out, s->past.started);
    mp_put_bool(out, s->past.standby);
    anchors_save(&s->anchors, out);
}

/* What an older program's state lacks. */
static void load_newer(struct postgres_source *s, const mp_value *state)
{
    (void)mp_as_int(mp_at(state, 12), &s->at.unplaced);
    (void)mp_as_uint(mp_at(state, 13), &s->snapshot.xmax);
    if (!mp_as_uint(mp_at(state, 14), &s->past.system) ||
        !mp_as_uint(mp_at(state, 15), &s->past.timeline) ||
        !mp_as_int(mp_at(state, 16), &s->past.started) ||
        !mp_as_bool(mp_at(state, 17), &s->past.standby)) {
        s->past = (struct pg_past){0};
    }
    s->past.xmax = s->snapshot.xmax;
    (void)anchors_load(&s->anchors, mp_at(state, 18));
}

bool pg_state_load(struct postgres_source *s, struct str state, int64_t *oid)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format;
    const bool ok = mp_parse(&doc, state.p, state.len) == STATUS_OK &&
                    mp_as_int(mp_at(&doc.root, 0), &format) && format == STATE_FORMAT &&
                    mp_as_int(mp_at(&doc.root, 1), &s->at.position) &&
                    mp_as_uint(mp_at(&doc.root, 2), &s->at.offset) &&
                    mp_as_uint(mp_at(&doc.root, 3), &s->at.last_ordinal) &&
                    mp_as_uint(mp_at(&doc.root, 4), &s->at.origin) &&
                    mp_as_int(mp_at(&doc.root, 5), oid) &&
                    holes_load(&s->holes, mp_at(&doc.root, 6)) &&
                    mp_as_uint(mp_at(&doc.root, 7), &s->journal.record) &&
                    order_load(&s->order, mp_at(&doc.root, 8)) &&
                    mp_as_uint(mp_at(&doc.root, 9), &s->journal.ceiling) &&
                    mp_as_int(mp_at(&doc.root, 10), &s->snapshot.file) &&
                    anchor_load(&s->anchor, mp_at(&doc.root, 11));
    load_newer(s, &doc.root);
    s->journal.floor = s->journal.ceiling;
    if (!ok) { /* it may have been read in part */
        holes_free(&s->holes);
        order_free(&s->order);
    }
    mp_doc_free(&doc);
    return ok;
}

void pg_state_start_over(struct postgres_source *s)
{
    s->at = (struct pg_place){.unplaced = INT64_MIN, .origin = source_new_origin(s->at.origin)};
    s->holes.count = 0;
    s->rewind = (struct pg_rewind){0};
    s->anchor = (struct anchor){0};
    s->anchors = (struct anchors){0};
    s->runs_on = false;
    order_free(&s->order);
    s->journal.ceiling = 0;
    s->journal.floor = 0;
    s->journal.record++; /* so that what follows is not taken for what came before */
    pg_journal_free(&s->journal.replay);
    s->news.building = true;
    s->news.started_over = true;
}

void pg_state_free(struct postgres_source *s)
{
    pg_listener_close(&s->listener);
    pg_table_free(&s->table);
    for (size_t i = 0; i < PG_STATEMENTS; i++) {
        free(s->statements[i]);
    }
    holes_free(&s->holes);
    order_free(&s->order);
    buf_free(&s->hole_poll.first_ids);
    buf_free(&s->hole_poll.last_ids);
    pg_broken_free(&s->broken);
    pg_draft_free(&s->journal.draft);
    buf_free(&s->journal.bytes);
    pg_journal_free(&s->journal.replay);
}

bool pg_state_is_newer(struct str state)
{
    return source_state_is_newer(state, STATE_FORMAT);
}
