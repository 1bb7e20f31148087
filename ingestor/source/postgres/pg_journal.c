/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_journal.h"

#include "common/base/error.h"

/* ---- Writing ---- */

void pg_draft_clear(struct pg_draft *draft)
{
    buf_clear(&draft->holes);
    buf_clear(&draft->late);
    draft->hole_count = 0;
    draft->late_count = 0;
}

void pg_draft_free(struct pg_draft *draft)
{
    buf_free(&draft->holes);
    buf_free(&draft->late);
}

void pg_draft_hole(struct pg_draft *draft, int64_t first, int64_t last, wall_time since)
{
    mp_put_int(&draft->holes, first);
    mp_put_int(&draft->holes, last);
    draft->hole_count++;
    draft->since = since;
}

void pg_draft_late(struct pg_draft *draft, int64_t id, uint64_t ordinal)
{
    if (draft->late_count++ == 0) {
        draft->ordinal = ordinal;
    }
    mp_put_int(&draft->late, id);
}

void pg_record_put(struct buf *out, const struct pg_record *record, const struct pg_draft *draft)
{
    mp_put_array(out, 9);
    mp_put_uint(out, record->number);
    mp_put_int(out, record->before);
    mp_put_int(out, record->after);
    mp_put_uint(out, record->fence);
    mp_put_int(out, draft->hole_count != 0 ? draft->since.us : 0);
    mp_put_array(out, 2 * draft->hole_count);
    buf_append(out, draft->holes.data, draft->holes.len);
    mp_put_uint(out, draft->late_count != 0 ? draft->ordinal : 0);
    mp_put_array(out, draft->late_count);
    buf_append(out, draft->late.data, draft->late.len);
    mp_put_uint(out, record->ceiling);
}

/* ---- Reading ---- */

/* True when the records go on behind that number one by one. */
static bool is_whole(const struct pg_journal *journal, uint64_t number)
{
    for (size_t i = 0; i < mp_count(&journal->doc.root); i++) {
        uint64_t n;
        if (!mp_as_uint(mp_at(mp_at(&journal->doc.root, i), 0), &n) || n > number + 1) {
            return false;
        }
        number = n > number ? n : number;
    }
    return true;
}

bool pg_journal_load(struct pg_journal *journal, struct str records, uint64_t number)
{
    struct str rest = records;
    size_t count = 0;
    size_t len;
    while (rest.len != 0 && (len = mp_length(rest.p, rest.len)) != 0) {
        rest = (struct str){rest.p + len, rest.len - len};
        count++;
    }
    mp_put_array(&journal->bytes, count);
    buf_append(&journal->bytes, records.p, records.len - rest.len);
    mp_doc_init(&journal->doc);
    journal->at = 0;
    if (mp_parse(&journal->doc, journal->bytes.data, journal->bytes.len) != STATUS_OK ||
        rest.len != 0 || !is_whole(journal, number)) {
        pg_journal_free(journal);
        return false;
    }
    return true;
}

void pg_journal_free(struct pg_journal *journal)
{
    if (journal->bytes.len != 0) {
        mp_doc_free(&journal->doc);
    }
    buf_free(&journal->bytes);
    *journal = (struct pg_journal){0};
}

bool pg_journal_next(struct pg_journal *journal, uint64_t number, int64_t position,
                     struct pg_record *out)
{
    for (; journal->at < mp_count(&journal->doc.root); journal->at++) {
        const mp_value *v = mp_at(&journal->doc.root, journal->at);
        out->holes = mp_at(v, 5);
        out->late = mp_at(v, 7);
        if (mp_as_uint(mp_at(v, 0), &out->number) && out->number > number &&
            mp_as_int(mp_at(v, 1), &out->before) && mp_as_int(mp_at(v, 2), &out->after) &&
            mp_as_uint(mp_at(v, 3), &out->fence) && mp_as_int(mp_at(v, 4), &out->since.us) &&
            mp_is_array(out->holes) && mp_as_uint(mp_at(v, 6), &out->ordinal) &&
            mp_is_array(out->late) && mp_as_uint(mp_at(v, 8), &out->ceiling) &&
            out->before >= position && out->after >= out->before) {
            return true;
        }
    }
    return false;
}

void pg_journal_advance(struct pg_journal *journal)
{
    journal->at++;
}

bool pg_record_hole(const struct pg_record *record, size_t i, int64_t *first, int64_t *last)
{
    return mp_as_int(mp_at(record->holes, 2 * i), first) &&
           mp_as_int(mp_at(record->holes, 2 * i + 1), last);
}

bool pg_record_misses(const struct pg_record *record, int64_t id)
{
    size_t low = 0;
    size_t high = mp_count(record->holes) / 2;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        int64_t first;
        int64_t last;
        if (!pg_record_hole(record, middle, &first, &last)) {
            return false;
        }
        if (id < first) {
            high = middle;
        } else if (id > last) {
            low = middle + 1;
        } else {
            return true;
        }
    }
    return false;
}
