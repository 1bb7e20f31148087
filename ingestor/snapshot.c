/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/snapshot.h"

#include "common/codec/mp.h"

#define FORMAT 1

void snapshot_write(const struct snapshot *snapshot, const struct fold *fold, struct buf *out)
{
    mp_put_array(out, 8);
    mp_put_int(out, FORMAT);
    mp_put_uint(out, snapshot->epoch);
    mp_put_uint(out, snapshot->ordinal);
    mp_put_uint(out, snapshot->origin);
    mp_put_bin(out, snapshot->source);
    struct buf state = {0};
    fold_save(fold, &state);
    mp_put_bin(out, buf_str(&state));
    buf_free(&state);
    mp_put_int(out, snapshot->as_of.us);
    mp_put_str(out, snapshot->scheme);
}

static int read_parts(struct snapshot *snapshot, const mp_value *parts, struct str *state)
{
    int64_t format;
    if (mp_as_int(mp_at(parts, 0), &format) && format > FORMAT) {
        return STATUS_NEWER;
    }
    if (!mp_as_int(mp_at(parts, 0), &format) || format != FORMAT ||
        !mp_as_uint(mp_at(parts, 1), &snapshot->epoch) ||
        !mp_as_uint(mp_at(parts, 2), &snapshot->ordinal) ||
        !mp_as_uint(mp_at(parts, 3), &snapshot->origin) ||
        !mp_as_bin(mp_at(parts, 4), &snapshot->source) || !mp_as_bin(mp_at(parts, 5), state)) {
        return STATUS_INVALID;
    }
    (void)mp_as_int(mp_at(parts, 6), &snapshot->as_of.us);
    (void)mp_as_str(mp_at(parts, 7), &snapshot->scheme);
    return STATUS_OK;
}

int snapshot_read(struct snapshot *snapshot, struct str bytes, const struct source_ops *source,
                  struct fold *fold, struct error *err)
{
    struct mp_doc doc;
    struct str state;
    bool rebuild = false;
    mp_doc_init(&doc);
    *snapshot = (struct snapshot){0};
    int status = mp_parse(&doc, bytes.p, bytes.len);
    if (status == STATUS_OK) {
        status = read_parts(snapshot, &doc.root, &state);
    }
    if (status != STATUS_OK) {
        error_set(err, status, "the checkpoint is of another version of Tilewire");
    } else if (snapshot->source.len != 0 && str_is(snapshot->scheme, source->scheme) &&
               source->state_is_newer(snapshot->source)) {
        /* The formats of two sources have nothing to do with each other. */
        status = error_set(err, STATUS_NEWER,
                           "the checkpoint's place in the events table is of another version");
    } else if (snapshot->source.len == 0) {
        /* Written at the start of a rebuild that did not get to its end. */
        status =
            error_set(err, STATUS_INVALID, "the checkpoint was written before any row was read");
    } else {
        status = fold_load(fold, state, &rebuild, err);
    }
    if (status == STATUS_OK && rebuild) {
        status = error_set(err, STATUS_INVALID, "tile definitions have changed");
    }
    mp_doc_free(&doc);
    return status;
}
