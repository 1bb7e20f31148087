/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are known: against a plain list, and through the state. */
#include "ingestor/dedupe/known.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/unit.h"

/* There is but one thread here, and with the sanitizer of threads all of this takes long. */
#ifdef __SANITIZE_THREAD__
#define HISTORIES 4
#define MANY 5000
#else
#define HISTORIES 40
#define MANY 50000
#endif

#define MEMBER 1

/* A list of all entries ever, of which those from `first` on are known. */
struct model {
    struct known_entry entries[20000];
    size_t first;
    size_t count;
};

/* Of few slots, so that names get into each other's way. */
static struct known_name name_of(unsigned i)
{
    return (struct known_name){{i % 7, i}};
}

static const struct known_entry *model_find(const struct model *model, struct known_name name)
{
    for (size_t i = model->count; i > model->first; i--) {
        if (memcmp(&model->entries[i - 1].name, &name, sizeof name) == 0) {
            return &model->entries[i - 1];
        }
    }
    return NULL;
}

static void expect_same(const struct known *known, const struct model *model, unsigned names)
{
    assert_int_equal(known_count(known), model->count - model->first);
    for (unsigned i = 0; i < names; i++) {
        const struct known_name name = name_of(i);
        const struct known_entry *wanted = model_find(model, name);
        const struct known_entry *found = known_find(known, &name);
        if (wanted == NULL || found == NULL) {
            assert_ptr_equal(wanted, found);
        } else {
            assert_memory_equal(wanted, found, sizeof *wanted);
        }
    }
}

/* What a store has, after some lists of changes. */
struct store {
    struct state_changes all;
};

static void store_take(struct store *store, struct state_changes *changes)
{
    state_changes_append(&store->all, changes);
    state_changes_settle(&store->all);
    struct state_changes left = {0};
    for (size_t i = 0; i < store->all.count; i++) {
        const struct state_change *change = &store->all.list[i];
        if (change->kind == STATE_PUT) {
            state_put(&left, change->id, state_value(&store->all, change));
        }
    }
    state_changes_free(&store->all);
    store->all = left;
    state_changes_free(changes);
}

static void step(struct known *known, struct model *model, unsigned names, size_t most)
{
    const int64_t reached_us = (int64_t)model->count / 3;
    assert(names != 0);
    if (random() % 20 == 0) {
        const int64_t before_us = reached_us - random() % 200;
        known_forget(known, before_us);
        while (model->first < model->count && model->entries[model->first].reached_us < before_us) {
            model->first++;
        }
        return;
    }
    struct known_entry gone;
    const struct known_entry entry = {name_of((unsigned)random() % names), random(), reached_us};
    const bool full = model->count - model->first == most;
    assert_int_equal(known_add(known, &entry, &gone), full);
    if (full) {
        assert_memory_equal(&gone, &model->entries[model->first++], sizeof gone);
    }
    model->entries[model->count++] = entry;
}

/* With a crash now and then, which goes on from what was saved. */
static void random_history(unsigned seed)
{
    static struct model model;
    static struct model saved_model;
    srandom(seed);
    const unsigned names = 1 + (unsigned)random() % 300;
    const size_t most = 1 + (size_t)random() % 900;
    struct known known = {.most = most};
    struct store store = {{0}};
    model = (struct model){.count = 0};
    saved_model = model;
    for (unsigned i = 0; i < 6000; i++) {
        step(&known, &model, names, most);
        if (random() % 100 == 0) {
            struct state_changes changes = {0};
            known_save(&known, MEMBER, &changes);
            store_take(&store, &changes);
            saved_model = model;
            /* No more than what is known, and the parts that its ends are in. */
            assert_true(store.all.count <= (model.count - model.first) / 256 + 2);
        }
        if (random() % 400 == 0) {
            known_free(&known);
            known = (struct known){.most = most};
            model = saved_model;
            assert_true(known_load(&known, MEMBER, model.first, model.count, &store.all));
            expect_same(&known, &model, names);
        }
    }
    expect_same(&known, &model, names);
    known_free(&known);
    state_changes_free(&store.all);
}

static void test_random_histories(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= HISTORIES; seed++) {
        random_history(seed);
    }
}

static void fill(struct known *known, unsigned count)
{
    struct known_entry gone;
    for (unsigned i = 0; i < count; i++) {
        (void)known_add(known, &(struct known_entry){name_of(i), (int64_t)i, 0}, &gone);
    }
}

static void test_a_save_costs_what_has_changed(void **state)
{
    (void)state;
    struct known known = {.most = 100000};
    struct state_changes changes = {0};
    fill(&known, MANY);
    known_save(&known, MEMBER, &changes);
    assert_in_range(changes.values.len, MANY * 32, MANY * 33);
    state_changes_clear(&changes);
    fill(&known, 1);
    known_save(&known, MEMBER, &changes);
    assert_int_equal(changes.count, 1);
    assert_in_range(changes.values.len, 32, 256 * 32 + 16);
    state_changes_clear(&changes);
    known_unsave(&known);
    known_save(&known, MEMBER, &changes);
    assert_in_range(changes.values.len, (MANY + 1) * 32, (MANY + 1) * 33);
    state_changes_free(&changes);
    known_free(&known);
}

static void test_damage_is_noticed(void **state)
{
    (void)state;
    struct known known = {.most = 1000};
    struct known other = {.most = 1000};
    struct state_changes changes = {0};
    fill(&known, 600);
    known_save(&known, MEMBER, &changes);
    assert_false(known_load(&other, MEMBER, 0, 601, &changes)); /* one is missing */
    known_free(&other);
    changes.list[1].len -= 5; /* of a part in the middle */
    assert_false(known_load(&other, MEMBER, 0, 600, &changes));
    known_free(&other);
    changes.list[1].kind = STATE_ITEM_GONE;
    assert_false(known_load(&other, MEMBER, 0, 600, &changes));
    known_free(&other);
    state_changes_free(&changes);
    known_free(&known);
}

static void test_less_room_keeps_the_newest(void **state)
{
    (void)state;
    struct known known = {.most = 1000};
    struct known other = {.most = 10};
    struct state_changes changes = {0};
    const struct known_name old = name_of(589);
    const struct known_name new = name_of(590);
    fill(&known, 600);
    known_save(&known, MEMBER, &changes);
    assert_true(known_load(&other, MEMBER, 0, 600, &changes));
    assert_int_equal(known_count(&other), 10);
    assert_null(known_find(&other, &old));
    assert_non_null(known_find(&other, &new));
    state_changes_free(&changes);
    known_free(&known);
    known_free(&other);
}

static void test_what_is_cleared_leaves_the_store_too(void **state)
{
    (void)state;
    struct known known = {.most = 1000};
    struct store store = {{0}};
    struct state_changes changes = {0};
    fill(&known, 600);
    known_save(&known, MEMBER, &changes);
    store_take(&store, &changes);
    known_clear(&known);
    assert_int_equal(known_count(&known), 0);
    fill(&known, 1);
    known_save(&known, MEMBER, &changes);
    store_take(&store, &changes);
    assert_int_equal(store.all.count, 1);
    state_changes_free(&store.all);
    known_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_a_save_costs_what_has_changed),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_less_room_keeps_the_newest),
        cmocka_unit_test(test_what_is_cleared_leaves_the_store_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
