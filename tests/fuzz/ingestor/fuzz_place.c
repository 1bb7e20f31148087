/* SPDX-License-Identifier: Apache-2.0 */
/* Where a source stood, from disk: a place that is read is the same after it was written and read
 * again. Input: a byte that says whose place it is, and the place. */
#include "common/base/error.h"
#include "common/program/log.h"
#include "common/state/changes.h"
#include "common/state/frame.h"
#include "ingestor/source/cursor/cursor_state.h"
#include "ingestor/source/kafka/kafka_state.h"
#include "ingestor/source/nats/nats_state.h"
#include "ingestor/source/postgres/pg_journal.h"
#include "ingestor/source/postgres/pg_state.h"
#include "ingestor/source/sqlite/sqlite_state.h"
#include "tests/fuzz/fuzz.h"

/* Each reads a place, and appends it to `out`; false when it is none. */
static bool sqlite_again(struct str place, struct buf *out)
{
    struct sqlite_source s = {0};
    const bool ours = sqlite_state_load(&s, place);
    if (ours) {
        sqlite_state_save(&s, out);
    }
    return ours;
}

static bool postgres_again(struct str place, struct buf *out)
{
    struct postgres_source s = {0};
    int64_t oid;
    const bool read =
        pg_state_load(&s, place, &oid) && oid == (int)oid; /* A database has no other. */
    if (read) {
        s.table.oid = (int)oid;
        pg_state_save(&s, out);
    }
    holes_free(&s.holes);
    order_free(&s.order);
    return read;
}

static bool cursor_again(struct str place, struct buf *out)
{
    struct cursor_state state = {0};
    const bool read = cursor_state_load(&state, place);
    if (read) {
        cursor_state_save(&state, out);
    }
    cursor_state_free(&state);
    return read;
}

static bool kafka_again(struct str place, struct buf *out)
{
    struct kafka_state state = {0};
    const bool read = kafka_state_load(&state, place);
    if (read) {
        kafka_state_save(&state, out);
    }
    kafka_state_free(&state);
    return read;
}

static bool nats_again(struct str place, struct buf *out)
{
    struct nats_state state = {0};
    const bool read = nats_state_load(&state, place);
    if (read) {
        nats_state_save(&state, out);
    }
    return read;
}

/* An id at the edge of a record's only hole is in it. */
static bool journal_again(struct str records, struct buf *out)
{
    struct pg_journal journal = {0};
    struct pg_record record;
    const bool read = pg_journal_load(&journal, records, 0);
    while (pg_journal_next(&journal, 0, 0, &record)) {
        int64_t first;
        int64_t last;
        if (mp_count(record.holes) == 2 && pg_record_hole(&record, 0, &first, &last)) {
            FUZZ_CHECK(pg_record_misses(&record, first) == (first <= last));
        }
        pg_journal_advance(&journal);
    }
    if (read) {
        buf_append_str(out, records);
    }
    pg_journal_free(&journal);
    return read;
}

static bool sealed_again(struct str sealed, struct buf *out)
{
    const struct state_id id = {1, 2, 3};
    struct str value;
    const bool read = state_unseal(id, sealed, &value);
    if (read) {
        state_seal(out, id, value);
    }
    return read;
}

static bool frame_again(struct str framed, struct buf *out)
{
    enum frame_format format;
    struct str bytes;
    const bool read = frame_unwrap(framed, &format, &bytes, NULL) == STATUS_OK;
    if (read) {
        frame_wrap(out, format, bytes);
    }
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool (*const kinds[])(struct str place, struct buf * out) = {
        sqlite_again, postgres_again, cursor_again, journal_again,
        sealed_again, frame_again,    kafka_again,  nats_again};
    struct str input = fuzz_text(data, len);
    const unsigned kind = fuzz_take_byte(&input) % (sizeof kinds / sizeof *kinds);
    struct buf once = {0};
    struct buf twice = {0};
    log_init("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    if (kinds[kind](input, &once)) {
        fuzz_took();
        FUZZ_CHECK(kinds[kind](buf_str(&once), &twice));
    }
    fuzz_check_same(&once, &twice);
    buf_free(&twice);
    buf_free(&once);
    return 0;
}
