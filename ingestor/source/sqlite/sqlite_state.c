/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_state.h"

#include "common/codec/mp.h"

#define STATE_FORMAT 2

int64_t sqlite_state_position(const struct sqlite_source *s)
{
    return s->history_end != 0 ? s->history_end : s->position;
}

void sqlite_state_save(const struct sqlite_source *s, struct buf *out)
{
    mp_put_array(out, 10);
    mp_put_int(out, STATE_FORMAT);
    mp_put_int(out, sqlite_state_position(s));
    mp_put_uint(out, s->origin);
    mp_put_uint(out, (uint64_t)s->identity.st_dev);
    mp_put_uint(out, (uint64_t)s->identity.st_ino);
    anchor_save(&s->anchor, out);
    anchors_save(&s->anchors, out);
    mp_put_uint(out, s->columns_read);
    mp_put_uint(out, s->bad_ids_seen);
    mp_put_int(out, s->born);
}

void sqlite_state_start_over(struct sqlite_source *s)
{
    s->position = 0;
    s->history_end = 0;
    s->rewind = (struct rewind_watch){0};
    s->fraction = 0;
    s->anchor = (struct anchor){0};
    s->anchors = (struct anchors){0};
    s->origin = source_new_origin(s->origin);
    s->started_over = true;
}

/* What older programs did not save. */
static void load_newer(struct sqlite_source *s, const mp_value *state)
{
    anchors_load(&s->anchors, mp_at(state, 6));
    if (s->anchors.count == 0 && s->anchor.id != 0) {
        anchors_add(&s->anchors, s->anchor);
    }
    if (!mp_as_uint(mp_at(state, 7), &s->columns_read)) {
        s->columns_read = 0;
    }
    if (!mp_as_uint(mp_at(state, 8), &s->bad_ids_seen)) {
        s->bad_ids_seen = 0;
    }
    if (!mp_as_int(mp_at(state, 9), &s->born)) {
        s->born = 0;
    }
}

bool sqlite_state_load(struct sqlite_source *s, struct str state)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format;
    uint64_t device;
    uint64_t inode;
    const bool ours =
        mp_parse(&doc, state.p, state.len) == STATUS_OK &&
        mp_as_int(mp_at(&doc.root, 0), &format) && format == STATE_FORMAT &&
        mp_as_int(mp_at(&doc.root, 1), &s->position) &&
        mp_as_uint(mp_at(&doc.root, 2), &s->origin) && mp_as_uint(mp_at(&doc.root, 3), &device) &&
        mp_as_uint(mp_at(&doc.root, 4), &inode) && anchor_load(&s->anchor, mp_at(&doc.root, 5));
    if (ours) {
        s->identity.st_dev = device;
        s->identity.st_ino = inode;
        load_newer(s, &doc.root);
    }
    mp_doc_free(&doc);
    return ours;
}

bool sqlite_state_is_newer(struct str state)
{
    return source_state_is_newer(state, STATE_FORMAT);
}
