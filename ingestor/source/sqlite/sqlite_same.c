/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_same.h"

#include <errno.h>
#include <string.h>

#include "ingestor/source/sqlite/sqlite_database.h"
#include "ingestor/source/sqlite/sqlite_rows.h"
#include "ingestor/source/sqlite/sqlite_table.h"

int sqlite_same_sequence(struct sqlite_source *s, int64_t *out, struct error *err)
{
    *out = -1;
    if (s->sequence == NULL) {
        return STATUS_OK;
    }
    const int step = sqlite3_step(s->sequence);
    if (step == SQLITE_ROW) {
        *out = sqlite3_column_int64(s->sequence, 0); /* 0 without a row: nothing was ever given */
    }
    sqlite3_reset(s->sequence);
    return step == SQLITE_ROW ? STATUS_OK
                              : sqlite_table_error(s, "cannot read sqlite_sequence", err);
}

/*
 * By order alone, and by the sequence where there is one: as long as it has not gone back, rows
 * that are missing were deleted, be it all of them.
 */
static enum rewind judge_order(struct sqlite_source *s, int64_t newest, bool replaced,
                               int64_t sequence)
{
    const int64_t position = sqlite_state_position(s);
    const struct rewind_watch before = s->rewind;
    const bool known = sequence >= position;
    const enum rewind rewind = rewind_seen(&s->rewind, position, newest, replaced && !known, false);
    if (newest >= position) {
        return rewind;
    }
    if (sequence >= 0 && !known) {
        return REWIND_ANEW;
    }
    const bool came = before.position == position && before.below != 0 && newest > before.below;
    if (rewind == REWIND_ANEW && known && !came) {
        const bool said = s->emptied;
        s->emptied = true;
        return said ? REWIND_NONE : REWIND_SHORTER;
    }
    return rewind;
}

/* After the file was replaced. A copy that was vacuumed or restored with all its rows is no other
 * table: reading goes on where it was. */
static int is_other(struct sqlite_source *s, bool *other, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    int64_t last;
    bool more;
    const int status =
        sqlite_rows_read(s, s->anchor.id - 1, s->anchor.id, 1, batch, &last, &more, err);
    *other = !anchor_holds(&s->anchor, batch);
    batch_destroy(&batch);
    return status;
}

/* True when all rows that are remembered were deleted, and the sequence shows that their ids had
 * been given out: so the copy of an outbox is told from another database. */
static bool is_outbox(const struct sqlite_source *s, const struct anchor *tail, int64_t sequence)
{
    return sequence >= sqlite_state_position(s) && tail->id < anchors_least(&s->anchors);
}

static int judge(struct sqlite_source *s, const struct anchor *tail, int64_t newest, bool replaced,
                 enum rewind *out, struct error *err)
{
    const enum anchors_match match = anchors_match(&s->anchors, tail);
    int64_t sequence = -1;
    int status = STATUS_OK;
    if (match == ANCHORS_OTHER) {
        *out = replaced ? REWIND_OTHER : REWIND_ANEW;
        return STATUS_OK;
    }
    if (tail->id < sqlite_state_position(s)) {
        status = sqlite_same_sequence(s, &sequence, err);
    }
    *out = status == STATUS_OK ? judge_order(s, newest, replaced, sequence) : REWIND_NONE;
    if (status == STATUS_OK && replaced && *out != REWIND_ANEW && match != ANCHORS_SAME &&
        !is_outbox(s, tail, sequence)) {
        bool other;
        status = is_other(s, &other, err);
        *out = status == STATUS_OK && other ? REWIND_OTHER : *out;
    }
    return status;
}

/* True when it is another file. The number of a device may be another one after each reboot. */
static bool is_replaced(const struct sqlite_source *s, const struct stat *now, int64_t born)
{
    if (s->identity.st_ino == 0) {
        return false;
    }
    return s->identity.st_ino != now->st_ino ||
           (s->born != 0 && born != 0 ? s->born != born : s->identity.st_dev != now->st_dev);
}

static int check(struct sqlite_source *s, int64_t newest, bool replaced, struct error *err)
{
    const int64_t position = sqlite_state_position(s);
    sqlite_turn_await(&s->turn, s->db);
    struct anchor tail;
    struct anchor last = {0};
    enum rewind rewind;
    int status = sqlite_rows_tail(s, position, &tail, err);
    if (status == STATUS_OK && newest == 0 && tail.id < position) {
        status = sqlite_rows_tail(s, INT64_MAX, &last, err); /* it may be still to be read */
    }
    newest = newest > last.id ? newest : last.id;
    newest = newest > tail.id ? newest : tail.id;
    if (status == STATUS_OK) {
        status = judge(s, &tail, newest, replaced, &rewind, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    rewind_log(rewind, s->config->source.table, position, newest);
    if (rewind == REWIND_ANEW || rewind == REWIND_OTHER) {
        sqlite_state_start_over(s);
    }
    return STATUS_OK;
}

int sqlite_same_check(struct sqlite_source *s, int64_t newest, struct error *err)
{
    return check(s, newest, false, err);
}

int sqlite_same_check_file(struct sqlite_source *s, struct error *err)
{
    struct stat now;
    if (stat(s->config->source.path, &now) != 0) {
        return error_set(err, STATUS_IO, "%s: %s", s->config->source.path, strerror(errno));
    }
    const int64_t born = sqlite_database_born(s->config->source.path);
    const bool replaced = is_replaced(s, &now, born);
    s->identity = now;
    s->born = born;
    return check(s, 0, replaced, err);
}
