/* SPDX-License-Identifier: Apache-2.0 */
/* A store of the fold's state, in memory. */
#ifndef TESTS_INGESTOR_FOLD_FOLD_SAVED_H
#define TESTS_INGESTOR_FOLD_FOLD_SAVED_H

#include "tests/ingestor/fold/fold_unit.h"

/* Brings a list of changes to what a store holds: values alone. */
static inline void store_settle(struct state_changes *store)
{
    size_t kept = 0;
    state_changes_settle(store);
    for (size_t i = 0; i < store->count; i++) {
        if (store->list[i].kind == STATE_PUT) {
            store->list[kept++] = store->list[i];
        }
    }
    store->count = kept;
}

/* Saves what has changed on top of what was saved before. Returns how many records that were. */
static inline size_t save_into(struct fold_test *t, struct state_changes *store)
{
    struct state_changes changes = {0};
    fold_save(t->fold, t->now.wall, &changes);
    const size_t count = changes.count;
    state_changes_append(store, &changes);
    state_changes_free(&changes);
    store_settle(store);
    return count;
}

/* Loads it into the other fold, which was just created, at the same moment. */
static inline struct fold_load load_from(struct fold_test *t, const struct state_changes *store)
{
    struct fold_load how = {.place = STR("place"), .now = t->now.wall};
    struct error err = {{0}};
    if (fold_load(t->fold, store, &how, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return how;
}

#endif
