/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/store_list.h"

#include <stdio.h>

#include "common/base/error.h"
#include "tests/unit.h"

#define TILES 1000

static void put(struct store *store, const char *key)
{
    struct buf value = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    mp_put_map(&value, 0);
    assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
    const struct wire_tile delta = {.key = str_of(key),
                                    .keyframe = true,
                                    .version = {1, 1},
                                    .value = &doc.root,
                                    .ttl_ms = 1000,
                                    .position = STR("1")};
    assert_int_equal(store_apply(store, &delta, 0, (wall_time){1}, 0, (mono_time){1}), STATUS_OK);
    mp_doc_free(&doc);
    buf_free(&value);
}

/* Tiles t000 to t999, put in an order that has nothing to do with their keys. */
static struct store *filled(void)
{
    struct store *store = store_create(SIZE_MAX, NULL);
    for (size_t i = 0; i < TILES; i++) {
        char key[16];
        snprintf(key, sizeof key, "t%03zu", i * 7919 % TILES);
        put(store, key);
    }
    put(store, "other");
    return store;
}

struct listed {
    char keys[TILES + 2][16];
    size_t count;
    size_t wanted;
};

static bool note(void *arg, const struct tile *tile)
{
    struct listed *listed = arg;
    snprintf(listed->keys[listed->count++], sizeof listed->keys[0], "%s", tile->key);
    return listed->count != listed->wanted;
}

static void tiles_come_in_the_order_of_their_keys(void **state)
{
    (void)state;
    struct store *store = filled();
    struct listed listed = {.wanted = SIZE_MAX};
    store_list(store, STR(""), note, &listed);
    assert_int_equal(listed.count, TILES + 1);
    for (size_t i = 1; i < listed.count; i++) {
        assert_true(strcmp(listed.keys[i - 1], listed.keys[i]) < 0);
    }
    listed = (struct listed){.wanted = 5};
    store_list(store, STR("t"), note, &listed);
    assert_int_equal(listed.count, 5);
    assert_string_equal(listed.keys[0], "t000");
    store_destroy(&store);
}

static void pages_of_any_size_give_all_of_them(void **state)
{
    (void)state;
    struct store *store = filled();
    static const size_t sizes[] = {1, 2, 7, 499, 500, 501, TILES, 2 * TILES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct listed listed = {.wanted = SIZE_MAX};
        size_t before;
        do {
            before = listed.count;
            const struct str after = before != 0 ? str_of(listed.keys[before - 1]) : STR_NULL;
            store_list_page(store, STR("t"), after, sizes[i], note, &listed);
            assert_true(listed.count - before <= sizes[i]);
        } while (listed.count != before);
        assert_int_equal(listed.count, TILES);
        for (size_t k = 1; k < listed.count; k++) {
            assert_true(strcmp(listed.keys[k - 1], listed.keys[k]) < 0);
        }
    }
    store_destroy(&store);
}

static bool is_even(void *arg, const struct tile *tile)
{
    (void)arg;
    return tile->key[0] == 't' && (tile->key[3] - '0') % 2 == 0;
}

static void test_those_that_are_wanted_are_sorted(void **state)
{
    (void)state;
    struct store *store = filled();
    struct listed listed = {.wanted = SIZE_MAX};
    store_list_wanted(store, is_even, note, &listed);
    assert_int_equal(listed.count, TILES / 2);
    for (size_t i = 0; i < listed.count; i++) {
        char key[32];
        snprintf(key, sizeof key, "t%03zu", 2 * i);
        assert_string_equal(listed.keys[i], key);
    }
    struct listed three = {.wanted = 3};
    store_list_wanted(store, is_even, note, &three);
    assert_int_equal(three.count, 3); /* it stops when it is told to */
    store_destroy(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_that_are_wanted_are_sorted),
        cmocka_unit_test(tiles_come_in_the_order_of_their_keys),
        cmocka_unit_test(pages_of_any_size_give_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
