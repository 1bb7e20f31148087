/* SPDX-License-Identifier: Apache-2.0 */
/* Removals that the store has forgotten: only who may have missed one is told to start over. */
#include "tests/gateway/stream/world.h"

#define TILES 400
#define SMALL 4096 /* the smallest log and socket buffer */

static void world_init_tiles(struct world *w)
{
    char key[16];
    world_init(w, SMALL, 16);
    for (int i = 0; i < TILES; i++) {
        snprintf(key, sizeof key, "tile%d", i);
        world_set(w, key, i, 100);
    }
}

/* Tiles come and go, until the first of these removals are forgotten. */
static void forget_some(struct world *w)
{
    for (int i = 0; i < STORE_TOMBSTONES_MAX + 100; i++) {
        world_set(w, "brief", i, 1);
        world_remove(w, "brief");
        char key[16];
        snprintf(key, sizeof key, "gone%d", i);
        world_set(w, key, i, 1);
        world_remove(w, key);
    }
    assert_true(store_forgotten(w->store) > TILES);
}

/* The first values take many turns, and most tiles are older than what was forgotten. */
static void a_new_stream_gets_each_tile_once(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init_tiles(&w);
    forget_some(&w);
    struct stream_request request = {.kind = CHANNEL_TILES};
    const int client = world_open(&w, &request, NULL, SMALL);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: reset"), 0);
    assert_int_equal(occurrences(&got, "event: tile"), TILES);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void a_returning_stream_gets_what_is_new(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    char key[16];
    world_init_tiles(&w);
    forget_some(&w);
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
    assert_true(version_compare(cursor.at[0], store_forgotten_version(w.store, 0)) > 0);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "tile%d", i);
        world_patch(&w, key, 7777);
    }
    struct stream_request request = {.kind = CHANNEL_TILES, .cursor = &cursor};
    const int client = world_open(&w, &request, NULL, SMALL);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: reset"), 0);
    assert_int_equal(occurrences(&got, "event: tile"), 100);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* A tile that the client may have got goes while it is being brought up to date, and so many after
 * it that this is forgotten before the client was told. */
static void who_may_have_missed_one_starts_over(void **state)
{
    (void)state;
    for (int returning = 0; returning < 2; returning++) {
        struct world w;
        struct buf got = {0};
        world_init_tiles(&w);
        forget_some(&w);
        const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
        for (int i = 0; i < TILES; i++) {
            char key[16];
            snprintf(key, sizeof key, "tile%d", i);
            world_patch(&w, key, 7777);
        }
        struct stream_request request = {.kind = CHANNEL_TILES,
                                         .cursor = returning != 0 ? &cursor : NULL};
        const int client = world_open(&w, &request, NULL, SMALL);
        world_turn(&w, 1000);
        (void)world_read(client, &got, SIZE_MAX);
        world_turn(&w, 1000);
        assert_in_range(occurrences(&got, "event: tile"), 1, TILES - 1);
        world_remove(&w, "tile0");
        forget_some(&w);
        world_settle(&w, client, &got);
        assert_int_equal(occurrences(&got, "event: reset"), 1);
        buf_free(&got);
        close(client);
        world_finish(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_stream_gets_each_tile_once),
        cmocka_unit_test(a_returning_stream_gets_what_is_new),
        cmocka_unit_test(who_may_have_missed_one_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
