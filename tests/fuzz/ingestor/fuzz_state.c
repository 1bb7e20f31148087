/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the tiles, from disk: whatever its records hold, tiles go on or are built anew; and
 * what was loaded, saved and loaded again shows the same. Input: records, each with one byte for
 * tile, member and item, and its value behind its length. They replace those of tiles without rows.
 */
#include "tests/fuzz/ingestor/folds.h"

/* The state of tiles that have seen no row: records of tiles, with their digests. */
static void put_fresh(struct state_changes *out)
{
    struct fold *fold = folds_create();
    fold_built(fold, 0, folds_moment(0));
    folds_save(fold, folds_moment(0), out);
    fold_destroy(&fold);
}

static void put_records(struct str input, struct state_changes *out)
{
    while (input.len != 0) {
        struct state_id id = {.tile = fuzz_take_byte(&input)};
        id.member = fuzz_take_byte(&input);
        id.item = fuzz_take_byte(&input);
        state_put(out, id, fuzz_take_counted(&input));
    }
    state_changes_settle(out);
}

static void check_again(struct fold *fold, struct moment now)
{
    struct state_changes saved = {0};
    struct fold_load how;
    folds_save(fold, now, &saved);
    struct fold *again = folds_load(&saved, now, &how);
    FUZZ_CHECK(again != NULL && how.damaged == 0);
    folds_check_same(fold, again, now);
    fold_destroy(&again);
    state_changes_free(&saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct moment now = folds_moment(0);
    struct state_changes saved = {0};
    struct fold_load how;
    put_fresh(&saved);
    put_records(fuzz_text(data, len), &saved);
    struct fold *fold = folds_load(&saved, now, &how);
    if (fold != NULL) {
        FUZZ_CHECK(how.loaded <= folds_configured()->tile_count);
        if (how.damaged == 0) {
            fuzz_took();
        }
        check_again(fold, now);
        fold_advance(fold, folds_moment(3600));
    }
    fold_destroy(&fold);
    state_changes_free(&saved);
    return 0;
}
