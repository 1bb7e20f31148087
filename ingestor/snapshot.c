/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/snapshot.h"

#include "common/codec/mp.h"
#include "ingestor/clock_steps.h"
#include "ingestor/fold/saved/fold_legacy.h"

/* It must change whenever a released program would misread the record, or others of the state. */
#define FORMAT 2
#define FORMAT_LEGACY 1

void snapshot_free(struct snapshot *snapshot)
{
    buf_free(&snapshot->joined);
    snapshot->source = STR_NULL;
}

/* ---- Saving ---- */

void snapshot_pieces_anew(struct snapshot_pieces *pieces)
{
    pieces->bytes = 0;
    pieces->count = 0;
    pieces->stale = true;
}

static struct state_id piece_at(uint64_t index)
{
    return (struct state_id){.item = STATE_PIECE + index};
}

/* Returns what is to stand in the record itself. */
static struct str put_pieces(struct str state, struct snapshot_pieces *pieces,
                             struct state_changes *out)
{
    struct str tail = state;
    if (pieces->bytes != 0) {
        tail = (struct str){state.p + pieces->bytes, state.len - pieces->bytes};
    }
    if (tail.len > SNAPSHOT_TAIL_MAX) {
        state_put(out, piece_at(pieces->count++), tail);
        pieces->bytes = state.len;
        tail = STR("");
    }
    for (uint64_t i = pieces->count; pieces->stale && i < pieces->most; i++) {
        state_gone(out, STATE_ITEM_GONE, piece_at(i));
    }
    pieces->stale = false;
    pieces->most = pieces->count > pieces->most ? pieces->count : pieces->most;
    return tail;
}

void snapshot_put(const struct snapshot *snapshot, struct snapshot_pieces *pieces,
                  struct state_changes *out)
{
    const struct str tail = put_pieces(snapshot->source, pieces, out);
    struct buf *value = state_put_begin(out, (struct state_id){.item = STATE_PLACE});
    mp_put_array(value, 12);
    mp_put_int(value, FORMAT);
    mp_put_uint(value, snapshot->epoch);
    mp_put_uint(value, snapshot->ordinal);
    mp_put_uint(value, snapshot->origin);
    mp_put_bin(value, tail);
    mp_put_int(value, snapshot->as_of.us);
    mp_put_str(value, snapshot->scheme);
    mp_put_uint(value, snapshot->table);
    mp_put_uint(value, snapshot->delivered);
    mp_put_uint(value, pieces->count);
    mp_put_uint(value, snapshot->again.first);
    mp_put_uint(value, snapshot->again.last);
    state_put_end(out);
}

/* ---- Loading ---- */

/* The parts that all versions have in the same places. */
static int read_numbers(struct snapshot *snapshot, const mp_value *parts, int64_t wanted)
{
    int64_t format;
    if (mp_as_int(mp_at(parts, 0), &format) && format > wanted) {
        return STATUS_NEWER;
    }
    return mp_as_int(mp_at(parts, 0), &format) && format == wanted &&
                   mp_as_uint(mp_at(parts, 1), &snapshot->epoch) &&
                   mp_as_uint(mp_at(parts, 2), &snapshot->ordinal) &&
                   mp_as_uint(mp_at(parts, 3), &snapshot->origin) &&
                   mp_as_bin(mp_at(parts, 4), &snapshot->source)
               ? STATUS_OK
               : STATUS_INVALID;
}

/* Puts the state together of its pieces. */
static int join_pieces(struct snapshot *snapshot, const mp_value *parts,
                       const struct state_changes *saved)
{
    struct snapshot_pieces *pieces = &snapshot->pieces;
    (void)mp_as_uint(mp_at(parts, 9), &pieces->count);          /* absent: there are none */
    (void)mp_as_uint(mp_at(parts, 10), &snapshot->again.first); /* these as well */
    (void)mp_as_uint(mp_at(parts, 11), &snapshot->again.last);
    for (uint64_t i = 0; i < pieces->count; i++) {
        const struct str piece = state_whole(saved, piece_at(i).item);
        if (piece.p == NULL) {
            return STATUS_INVALID;
        }
        buf_append_str(&snapshot->joined, piece);
    }
    pieces->bytes = snapshot->joined.len;
    pieces->most = pieces->count;
    if (pieces->count != 0) {
        buf_append_str(&snapshot->joined, snapshot->source);
        snapshot->source = buf_str(&snapshot->joined);
    }
    return STATUS_OK;
}

static int read_place(struct snapshot *snapshot, const mp_value *parts,
                      const struct state_changes *saved)
{
    const int status = read_numbers(snapshot, parts, FORMAT);
    if (status != STATUS_OK) {
        return status;
    }
    return mp_as_int(mp_at(parts, 5), &snapshot->as_of.us) &&
                   mp_as_str(mp_at(parts, 6), &snapshot->scheme) &&
                   mp_as_uint(mp_at(parts, 7), &snapshot->table) &&
                   mp_as_uint(mp_at(parts, 8), &snapshot->delivered)
               ? join_pieces(snapshot, parts, saved)
               : STATUS_INVALID;
}

/* [1, epoch, ordinal, origin, source state, fold state, as_of, scheme]; version 0.1.0 wrote the
 * first six. */
static int read_legacy(struct snapshot *snapshot, const mp_value *parts, struct str *fold)
{
    const int status = read_numbers(snapshot, parts, FORMAT_LEGACY);
    if (status != STATUS_OK || !mp_as_bin(mp_at(parts, 5), fold)) {
        return status != STATUS_OK ? status : STATUS_INVALID;
    }
    (void)mp_as_int(mp_at(parts, 6), &snapshot->as_of.us);
    (void)mp_as_str(mp_at(parts, 7), &snapshot->scheme);
    return STATUS_OK;
}

/* Whether the source can go on from the state that was saved. */
static int check_source(const struct snapshot *snapshot, const struct snapshot_load *how,
                        struct error *err)
{
    const bool same = str_is(snapshot->scheme, how->source->scheme);
    if (snapshot->source.len == 0) {
        /* Written at the start of a build that did not get to its end. */
        return error_set(err, STATUS_INVALID, "the state was saved before any row was read");
    }
    if (same && (how->source->state_is_newer(snapshot->source) ||
                 (how->source->part_is_newer != NULL &&
                  how->source->part_is_newer(how->config, snapshot->source)))) {
        /* The formats of two sources have nothing to do with each other. */
        return error_set(err, STATUS_NEWER,
                         "the state's place in the events table is of another version");
    }
    if ((!same && !how->legacy) || (snapshot->table != 0 && snapshot->table != how->table)) {
        return error_set(err, STATUS_INVALID, "the state is that of another table");
    }
    return STATUS_OK;
}

static int load_tiles(const struct snapshot *snapshot, const struct state_changes *saved,
                      struct str legacy, struct snapshot_load *how, struct fold *fold,
                      struct error *err)
{
    if (snapshot->as_of.us == WALL_NEVER.us) {
        return error_set(err, STATUS_INVALID, "the state lacks rows, for the clock was behind");
    }
    how->was_ahead = snapshot->as_of.us > how->now.us + CLOCK_STEP_US;
    if (how->legacy) {
        return how->was_ahead
                   ? error_set(err, STATUS_INVALID, "the checkpoint is of a clock that was ahead")
                   : fold_load_legacy(fold, legacy, err);
    }
    struct fold_load load = {
        .place = snapshot->source,
        .now = how->now,
        .reached = snapshot->as_of,
        .was_ahead = how->was_ahead,
    };
    const int status = fold_load(fold, saved, &load, err);
    how->loaded = load.loaded;
    how->damaged = load.damaged;
    return status;
}

int snapshot_load(struct snapshot *snapshot, const struct state_changes *saved,
                  struct snapshot_load *how, struct fold *fold, struct error *err)
{
    struct mp_doc doc;
    struct str legacy = state_whole(saved, STATE_LEGACY);
    how->legacy = legacy.p != NULL;
    const struct str place = how->legacy ? legacy : state_whole(saved, STATE_PLACE);
    *snapshot = (struct snapshot){0};
    mp_doc_init(&doc);
    int status = mp_parse(&doc, place.p, place.len);
    if (status == STATUS_OK) {
        status = how->legacy ? read_legacy(snapshot, &doc.root, &legacy)
                             : read_place(snapshot, &doc.root, saved);
    }
    if (status != STATUS_OK) {
        error_set(err, status, "the state is of another version of Tilewire");
    } else {
        status = check_source(snapshot, how, err);
    }
    if (status == STATUS_OK) {
        status = load_tiles(snapshot, saved, legacy, how, fold, err);
    }
    mp_doc_free(&doc);
    return status;
}
