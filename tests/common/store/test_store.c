/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/store.h"
#include "common/store/store_list.h"

#include <stdio.h>

#include "common/base/error.h"
#include "tests/unit.h"

#define LANE 0

/* Writes down what the listener is told. */
struct heard {
    char text[4096];
    size_t freed;
};

static void on_change(void *arg, const struct tile *tile, enum store_change change,
                      const mp_value *patch, struct version base)
{
    static const char *const names[] = {"changed", "refreshed", "stale", "removed"};
    struct heard *heard = arg;
    const size_t len = strlen(heard->text);
    snprintf(heard->text + len, sizeof heard->text - len, "%s %s%s%s%llu;", tile->key,
             names[change], tile->stale ? "!" : "", patch != NULL ? " patch on " : " ",
             (unsigned long long)(patch != NULL ? base.seq : tile->version.seq));
}

static void free_cache(void *cache)
{
    ++*(size_t *)cache;
}

static struct store *make_store(struct heard *heard, size_t max_tiles)
{
    *heard = (struct heard){0};
    const struct store_listener listener = {on_change, free_cache, heard};
    return store_create(max_tiles, &listener);
}

static void assert_heard(struct heard *heard, const char *expected)
{
    assert_string_equal(heard->text, expected);
    heard->text[0] = '\0';
}

/* A delta with the value {"v": number}. */
struct made {
    struct wire_tile tile;
    struct buf bytes;
    struct mp_doc doc;
};

static void make(struct made *m, const char *key, uint64_t seq, uint64_t base, int64_t number)
{
    *m = (struct made){0};
    mp_doc_init(&m->doc);
    mp_put_map(&m->bytes, 1);
    mp_put_text(&m->bytes, "v");
    mp_put_int(&m->bytes, number);
    assert_int_equal(mp_parse(&m->doc, m->bytes.data, m->bytes.len), STATUS_OK);
    m->tile = (struct wire_tile){
        .key = str_of(key),
        .keyframe = base == 0,
        .version = {1, seq},
        .base = {base != 0, base},
        .value = &m->doc.root,
        .ttl_ms = 1000,
        .grace_ms = 500,
        .position = STR("7"),
        .as_of = {1},
    };
}

static void made_free(struct made *m)
{
    mp_doc_free(&m->doc);
    buf_free(&m->bytes);
}

static int put_aged(struct store *store, const char *key, uint64_t seq, uint64_t base,
                    int64_t age_ms, int64_t now_ms)
{
    struct made m;
    make(&m, key, seq, base, (int64_t)seq);
    const int status = store_apply(store, &m.tile, LANE, (wall_time){now_ms}, age_ms,
                                   mono_add_ms((mono_time){0}, now_ms));
    made_free(&m);
    return status;
}

static int put(struct store *store, const char *key, uint64_t seq, uint64_t base, int64_t now_ms)
{
    return put_aged(store, key, seq, base, 0, now_ms);
}

static int take_away(struct store *store, const char *key, uint64_t seq)
{
    const struct wire_tile tile = {
        .key = str_of(key), .keyframe = true, .removed = true, .version = {1, seq}, .ttl_ms = 1};
    return store_apply(store, &tile, LANE, (wall_time){0}, 0, (mono_time){0});
}

static int64_t number_in(const struct tile *tile)
{
    struct mp_doc doc;
    int64_t number = -1;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, tile->value->data, tile->value->len), STATUS_OK);
    (void)mp_as_int(mp_get(&doc.root, "v"), &number);
    mp_doc_free(&doc);
    return number;
}

static void test_deltas(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    assert_null(store_get(store, STR("a")));
    assert_int_equal(put(store, "a", 5, 0, 0), STATUS_OK);
    assert_heard(&heard, "a changed 5;");
    assert_int_equal(put(store, "a", 8, 5, 0), STATUS_OK);
    assert_heard(&heard, "a changed patch on 5;");
    assert_int_equal(number_in(store_get(store, STR("a"))), 8);

    assert_int_equal(put(store, "a", 9, 7, 0), STATUS_AGAIN); /* another base */
    assert_int_equal(put(store, "b", 9, 7, 0), STATUS_AGAIN); /* none at all */
    assert_int_equal(put(store, "a", 7, 0, 0), STATUS_OK);    /* older: dropped */
    assert_heard(&heard, "");
    assert_int_equal(put(store, "a", 8, 5, 0), STATUS_OK); /* the same again */
    assert_heard(&heard, "a refreshed 8;");
    assert_int_equal(store_count(store), 1);

    assert_int_equal(take_away(store, "a", 10), STATUS_OK);
    assert_heard(&heard, "a removed 10;");
    assert_null(store_get(store, STR("a")));
    assert_int_equal(put(store, "a", 9, 0, 0), STATUS_OK); /* from before the removal: dropped */
    assert_int_equal(put(store, "a", 10, 0, 0), STATUS_OK);
    assert_heard(&heard, "");
    assert_int_equal(put(store, "a", 11, 0, 0), STATUS_OK);
    assert_heard(&heard, "a changed 11;");
    store_destroy(&store);
    assert_null(store);
    store_destroy(&store);
}

static void test_bound(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 2);
    assert_int_equal(put(store, "a", 1, 0, 0), STATUS_OK);
    assert_int_equal(put(store, "b", 2, 0, 0), STATUS_OK);
    assert_int_equal(put(store, "c", 3, 0, 0), STATUS_FULL);
    assert_int_equal(put(store, "c", 4, 3, 0), STATUS_FULL); /* not: ask for the tile */
    assert_int_equal(put(store, "a", 5, 1, 0), STATUS_OK);
    assert_int_equal(take_away(store, "b", 6), STATUS_OK);
    assert_int_equal(put(store, "c", 7, 3, 0), STATUS_AGAIN);
    assert_int_equal(put(store, "c", 8, 0, 0), STATUS_OK);
    assert_int_equal(store_count(store), 2);
    store_destroy(&store);
}

static void test_expiry(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    assert_int_equal(store_next_expiry(store).us, MONO_NEVER.us);
    (void)put(store, "a", 1, 0, 0);
    (void)put_aged(store, "b", 2, 0, 400, 0);
    heard.text[0] = '\0';
    assert_int_equal(store_next_expiry(store).us, 600 * US_PER_MS);
    store_expire(store, (mono_time){599 * US_PER_MS});
    assert_heard(&heard, "");
    store_expire(store, (mono_time){600 * US_PER_MS});
    assert_heard(&heard, "b stale! 2;");
    assert_int_equal(put(store, "b", 2, 0, 700), STATUS_OK); /* a refresh */
    assert_heard(&heard, "b stale 2;");
    store_expire(store, (mono_time){1000 * US_PER_MS});
    assert_heard(&heard, "a stale! 1;");
    store_expire(store, (mono_time){1499 * US_PER_MS});
    assert_heard(&heard, "");
    store_expire(store, (mono_time){1500 * US_PER_MS});
    assert_heard(&heard, "a removed 1;");
    assert_null(store_get(store, STR("a")));
    assert_int_equal(store_next_expiry(store).us, 1700 * US_PER_MS);
    store_destroy(&store);
}

static void test_an_expired_tile_comes_back_with_its_refresh(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "a", 1, 0, 0);
    store_expire(store, (mono_time){5000 * US_PER_MS});
    assert_null(store_get(store, STR("a")));
    heard.text[0] = '\0';
    (void)put_aged(store, "a", 1, 0, 1500, 5000); /* as old as the one that expired */
    assert_null(store_get(store, STR("a")));
    (void)put(store, "a", 1, 0, 5000);
    assert_heard(&heard, "a changed 1;");
    assert_non_null(store_get(store, STR("a")));

    store_expire(store, (mono_time){9000 * US_PER_MS});
    assert_int_equal(take_away(store, "a", 2), STATUS_OK); /* now it is known to be removed */
    (void)put(store, "a", 2, 0, 9000);
    (void)put(store, "a", 1, 0, 9000);
    assert_null(store_get(store, STR("a")));
    store_destroy(&store);
}

static void test_an_older_refresh_takes_nothing_back(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "a", 1, 0, 0);
    (void)put(store, "a", 1, 0, 800);
    heard.text[0] = '\0';
    (void)put_aged(store, "a", 1, 0, 700, 900); /* a snapshot of a server that lags */
    store_expire(store, (mono_time){1799 * US_PER_MS});
    assert_heard(&heard, "");
    assert_int_equal(store_next_expiry(store).us, 1800 * US_PER_MS);
    store_expire(store, (mono_time){1800 * US_PER_MS});
    assert_heard(&heard, "a stale! 1;");
    store_destroy(&store);
}

static void test_walking_the_changes(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "a", 1, 0, 0); /* change 1 */
    (void)put(store, "b", 2, 0, 0); /* change 2 */
    (void)put(store, "a", 3, 1, 0); /* change 3: a left its place */
    (void)put(store, "a", 3, 1, 0); /* a refresh is no change */
    assert_int_equal(store_last_change(store), 3);
    const struct tile *tile = store_next(store, 0);
    assert_string_equal(tile->key, "b");
    tile = store_next(store, tile->change);
    assert_string_equal(tile->key, "a");
    assert_null(store_next(store, tile->change));
    (void)take_away(store, "b", 4);
    tile = store_next(store, 3);
    assert_string_equal(tile->key, "b");
    assert_null(tile->value);
    (void)take_away(store, "never.seen", 5);
    assert_string_equal(store_next(store, 4)->key, "never.seen");
    assert_int_equal(store_forgotten(store), 0);
    store_destroy(&store);
}

static void test_tombstones_are_bounded(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    char key[32];
    for (uint64_t i = 1; i <= STORE_TOMBSTONES_MAX + 10; i++) {
        snprintf(key, sizeof key, "k%llu", (unsigned long long)i);
        (void)put(store, key, 2 * i, 0, 0);
        (void)take_away(store, key, 2 * i + 1);
        heard.text[0] = '\0';
    }
    assert_int_equal(store_count(store), 0);
    assert_int_equal(store_forgotten(store), 20); /* the change that removed k10 */
    assert_string_equal(store_next(store, 0)->key, "k11");
    const struct version version = store_forgotten_version(store, LANE);
    assert_int_equal(version.epoch, 1);
    assert_int_equal(version.seq, 21); /* that of the removal of k10 */
    assert_int_equal(store_forgotten_version(store, LANE + 1).epoch, 0);
    store_destroy(&store);
}

/* A tile that time alone removed has no version by which it could be told who heard of that. */
static void test_who_heard_of_an_expiry_is_not_known(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    char key[32];
    (void)put(store, "expired", 1, 0, 0);
    store_expire(store, store_next_expiry(store));
    store_expire(store, store_next_expiry(store));
    assert_int_equal(store_count(store), 0);
    for (uint64_t i = 1; i <= STORE_TOMBSTONES_MAX; i++) {
        snprintf(key, sizeof key, "k%llu", (unsigned long long)i);
        (void)put(store, key, 2 * i, 0, 0);
        (void)take_away(store, key, 2 * i + 1);
        heard.text[0] = '\0';
    }
    assert_true(store_forgotten(store) != 0);
    assert_true(store_forgotten_version(store, LANE).seq == UINT64_MAX);
    store_destroy(&store);
}

static void test_a_tile_keeps_its_number_as_long_as_it_is_known(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    assert_int_equal(put(store, "a", 1, 0, 0), STATUS_OK);
    assert_int_equal(put(store, "b", 2, 0, 0), STATUS_OK);
    const struct name_number number = store_get(store, STR("a"))->number;
    assert_int_not_equal(store_get(store, STR("b"))->number.place, number.place);
    assert_int_equal(take_away(store, "a", 3), STATUS_OK);
    assert_int_equal(put(store, "a", 4, 0, 0), STATUS_OK); /* its tombstone was still here */
    assert_int_equal(store_get(store, STR("a"))->number.place, number.place);
    assert_int_equal(store_get(store, STR("a"))->number.use, number.use);
    store_destroy(&store);
}

static void test_sweep(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "kept", 1, 0, 0);
    (void)put(store, "gone", 2, 0, 0);
    (void)put(store, "newer", 9, 0, 0);
    store_mark(store, STR("kept"), 1);
    assert_int_equal(store_sweep(store, LANE + 1, 1, (struct version){1, 5}), 0);
    assert_int_equal(store_sweep(store, LANE, 1, (struct version){1, 5}), 1);
    assert_null(store_get(store, STR("gone")));
    assert_int_equal(store_count(store), 2);
    store_destroy(&store);
}

static bool note_key(void *arg, const struct tile *tile)
{
    char *text = arg;
    strcat(strcat(text, tile->key), " ");
    return strlen(text) < 12;
}

static void test_listing(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "o.b", 1, 0, 0);
    (void)put(store, "p", 2, 0, 0);
    (void)put(store, "o.a", 3, 0, 0);
    (void)put(store, "o.c", 4, 0, 0);
    (void)take_away(store, "o.c", 5);
    char text[64] = "";
    store_list(store, STR("o."), note_key, text);
    assert_string_equal(text, "o.a o.b ");
    text[0] = '\0';
    store_list(store, STR(""), note_key, text);
    assert_string_equal(text, "o.a o.b p ");
    store_destroy(&store);
}

static void test_renderings_are_freed(void **state)
{
    (void)state;
    struct heard heard;
    size_t freed = 0;
    struct store *store = make_store(&heard, 10);
    (void)put(store, "a", 1, 0, 0);
    store_set_cache(store, store_get(store, STR("a")), &freed);
    assert_ptr_equal(store_get(store, STR("a"))->cache, &freed);
    store_set_cache(store, store_get(store, STR("a")), &freed);
    assert_int_equal(freed, 1);
    (void)put(store, "b", 2, 0, 0);
    store_set_cache(store, store_get(store, STR("b")), &freed);
    store_destroy(&store);
    assert_int_equal(freed, 3);
}

/* Random changes: whoever walks, with pauses of any length, ends with what is in the store. */
#define KEYS 40
static void walk(struct store *store, uint64_t *after, uint64_t copy[KEYS])
{
    if (*after < store_forgotten(store)) {
        *after = 0;
        memset(copy, 0, KEYS * sizeof *copy);
    }
    const struct tile *tile;
    while ((tile = store_next(store, *after)) != NULL) {
        assert_true(tile->change > *after);
        *after = tile->change;
        copy[atoi(tile->key)] = tile->value != NULL ? tile->version.seq : 0;
    }
}

static void test_walks_find_everything(void **state)
{
    (void)state;
    const unsigned seed = seed_of_run();
    srand(seed);
    struct heard heard;
    struct store *store = make_store(&heard, KEYS);
    uint64_t copies[3][KEYS] = {{0}};
    uint64_t after[3] = {0};
    uint64_t truth[KEYS] = {0};
    for (uint64_t seq = 1; seq < 30000; seq++) {
        char key[8];
        const int which = rand() % KEYS;
        snprintf(key, sizeof key, "%d", which);
        if (rand() % 4 == 0) {
            (void)take_away(store, key, seq);
            truth[which] = 0;
        } else {
            assert_int_equal(put(store, key, seq, truth[which], 0), STATUS_OK);
            truth[which] = seq;
        }
        heard.text[0] = '\0';
        const int walker = rand() % 100;
        if (walker < 3) {
            walk(store, &after[walker], copies[walker]);
            assert_memory_equal(copies[walker], truth, sizeof truth);
        }
    }
    store_destroy(&store);
}

static int apply_on(struct store *store, unsigned lane, uint64_t seq)
{
    struct made m;
    make(&m, "k", seq, 0, (int64_t)seq);
    const int status = store_apply(store, &m.tile, lane, (wall_time){0}, 0, (mono_time){0});
    made_free(&m);
    return status;
}

static void test_deltas_on_another_lane_than_the_tiles_are_counted(void **state)
{
    (void)state;
    struct heard heard;
    struct store *store = make_store(&heard, 10);
    assert_int_equal(apply_on(store, 1, 5), STATUS_OK);
    assert_int_equal(apply_on(store, 1, 6), STATUS_OK);
    assert_true(store_moved(store) == 0);
    assert_int_equal(apply_on(store, 2, 3), STATUS_OK); /* older: it changes nothing */
    assert_true(store_moved(store) == 1 && store_get(store, STR("k"))->lane == 1);
    assert_int_equal(apply_on(store, 2, 7), STATUS_OK);
    assert_true(store_moved(store) == 2 && store_get(store, STR("k"))->lane == 2);
    assert_int_equal(apply_on(store, 2, 8), STATUS_OK);
    assert_true(store_moved(store) == 2);
    store_destroy(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deltas),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_deltas_on_another_lane_than_the_tiles_are_counted),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_an_expired_tile_comes_back_with_its_refresh),
        cmocka_unit_test(test_an_older_refresh_takes_nothing_back),
        cmocka_unit_test(test_walking_the_changes),
        cmocka_unit_test(test_tombstones_are_bounded),
        cmocka_unit_test(test_who_heard_of_an_expiry_is_not_known),
        cmocka_unit_test(test_a_tile_keeps_its_number_as_long_as_it_is_known),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_listing),
        cmocka_unit_test(test_renderings_are_freed),
        cmocka_unit_test(test_walks_find_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
