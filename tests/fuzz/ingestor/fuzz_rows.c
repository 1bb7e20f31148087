/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: what the tiles show of them does not depend on their order, nor on whether the state was
 * saved and loaded between them. Input: rows, one a line, of fields parted by tabs: timestamp,
 * event_type, target_id, actor_id, payload. */
#include "tests/fuzz/ingestor/folds.h"

#define ROWS_MAX 64

/* A field that is left out is NULL. */
static struct str take_field(struct str *line)
{
    return line->len != 0 ? fuzz_take_until(line, '\t') : STR_NULL;
}

/* False when the row cannot be used: a source passes over it. */
static bool take_row(struct str *input, uint64_t number, struct event *out)
{
    struct str line = fuzz_take_line(input);
    const struct str timestamp = take_field(&line);
    *out = (struct event){.id = event_id_of_number((int64_t)number),
                          .ordinal = number,
                          .arrival = folds_moment(0).wall,
                          .event_type = take_field(&line),
                          .target_id = take_field(&line),
                          .actor_id = take_field(&line),
                          .payload = take_field(&line)};
    return timestamp.p != NULL && out->event_type.p != NULL &&
           wall_parse(timestamp.p, timestamp.len, folds_configured()->source.local.zone,
                      &out->timestamp);
}

/* As fold_event for all of them, but saved and loaded in the middle. */
static struct fold *fold_with_a_break(const struct event *rows, size_t count, struct moment now)
{
    struct fold *fold = folds_create();
    struct state_changes saved = {0};
    struct fold_load how;
    fold_built(fold, 0, now);
    for (size_t i = 0; i < count / 2; i++) {
        fold_event(fold, &rows[i], now);
    }
    folds_save(fold, now, &saved);
    fold_destroy(&fold);
    fold = folds_load(&saved, now, &how);
    FUZZ_CHECK(fold != NULL && how.damaged == 0 && how.loaded == folds_configured()->tile_count);
    for (size_t i = count / 2; i < count; i++) {
        fold_event(fold, &rows[i], now);
    }
    state_changes_free(&saved);
    return fold;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    const struct moment now = folds_moment(0);
    struct event rows[ROWS_MAX];
    size_t count = 0;
    while (input.len != 0 && count < ROWS_MAX) {
        count += take_row(&input, count + 1, &rows[count]);
    }
    struct fold *forth = folds_create();
    struct fold *back = folds_create();
    fold_built(forth, 0, now);
    fold_built(back, 0, now);
    for (size_t i = 0; i < count; i++) {
        fuzz_took();
        fold_event(forth, &rows[i], now);
        fold_event(back, &rows[count - 1 - i], now);
    }
    struct fold *broken = fold_with_a_break(rows, count, now);
    folds_check_same(forth, broken, now);
    folds_check_same(forth, back, folds_moment(45)); /* Windows have moved. */
    fold_destroy(&broken);
    fold_destroy(&back);
    fold_destroy(&forth);
    return 0;
}
