/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gateway/stream/world.h"

#include "gateway/api/tile_lists.h"

static const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, 1}}};

static const struct tile_list_page whole;

static struct tile_list *get_page(struct tile_lists *lists, const char *keys,
                                  const struct tile_list_page *page)
{
    struct selection selection;
    assert_int_equal(selection_parse(&selection, keys), STATUS_OK);
    struct tile_list *list;
    struct tile_list_bounds bounds = {.max_bytes = SIZE_MAX, .max_steps = UINT64_MAX};
    assert_int_equal(tile_lists_get(lists, &selection, page, &cursor, &bounds, &list), STATUS_OK);
    selection_free(&selection);
    return list;
}

static struct tile_list *get(struct tile_lists *lists, const char *keys)
{
    return get_page(lists, keys, &whole);
}

/* Stays valid when the list is forgotten. */
static struct blob *json_of(struct tile_lists *lists, const char *keys)
{
    return blob_ref(get(lists, keys)->json);
}

static bool holds(const struct blob *blob, const char *text)
{
    return memmem(blob->data, blob->len, text, strlen(text)) != NULL;
}

static void a_list_is_made_once_for_each_state(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    world_set(&w, "a.1", 1, 10);
    world_set(&w, "a.2", 2, 10);
    world_set(&w, "b", 3, 10);
    struct blob *all = json_of(lists, NULL);
    struct blob *some = json_of(lists, "a.*");
    assert_true(holds(all, "{\"cursor\":\"7-1\",\"tiles\":[{\"key\":\"a.1\""));
    assert_true(holds(all, "},{\"key\":\"b\""));
    assert_false(holds(some, "\"b\""));
    assert_string_not_equal(get(lists, NULL)->digest, get(lists, "a.*")->digest);
    assert_ptr_equal(get(lists, NULL)->json, all);
    assert_ptr_equal(get(lists, "a.*,a.*")->json, some); /* the same selection */

    char digest[17];
    memcpy(digest, get(lists, NULL)->digest, sizeof digest);
    tile_lists_outdate(lists);
    struct tile_list *again = get(lists, NULL);
    assert_ptr_not_equal(again->json, all);
    assert_string_equal(again->digest, digest); /* nothing had changed */
    world_set(&w, "b", 4, 10);
    tile_lists_outdate(lists);
    assert_string_not_equal(get(lists, NULL)->digest, digest);
    blob_unref(&all);
    blob_unref(&some);
    tile_lists_destroy(&lists);
    assert_null(lists);
    world_finish(&w);
}

static void those_asked_for_last_are_kept(void **state)
{
    (void)state;
    struct world w;
    char keys[8];
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    world_set(&w, "k1", 1, 10);
    struct blob *all = json_of(lists, NULL);
    for (int i = 0; i < 3 * TILE_LISTS_KEPT; i++) {
        snprintf(keys, sizeof keys, "k%d", i);
        struct blob *one = json_of(lists, keys);
        assert_ptr_equal(get(lists, keys)->json, one);
        assert_ptr_equal(get(lists, NULL)->json, all); /* asked for again and again */
        blob_unref(&one);
    }
    blob_unref(&all);
    tile_lists_destroy(&lists);
    world_finish(&w);
}

static void large_lists_are_not_hoarded(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    world_set(&w, "big", 1, TILE_LIST_KEPT_BYTES + 1);
    world_set(&w, "small", 1, 2000);
    world_set(&w, "tiny", 1, 10);
    struct blob *small = json_of(lists, "small");
    struct blob *big = json_of(lists, "big");
    assert_false(tile_list_compresses(get(lists, "big")));
    assert_null(tile_list_gzip(get(lists, "big")));
    for (int i = 0; i < 3; i++) {
        struct blob *another = json_of(lists, i % 2 == 0 ? "*" : "big*");
        assert_int_equal(another->references, 2); /* the list's, and ours */
        blob_unref(&another);
    }
    assert_int_equal(big->references, 1);
    assert_ptr_equal(get(lists, "small")->json, small);
    struct blob *packed = tile_list_gzip(get(lists, "small"));
    assert_non_null(packed);
    assert_ptr_equal(tile_list_gzip(get(lists, "small")), packed); /* once */
    assert_true(packed->len < small->len);
    assert_null(tile_list_gzip(get(lists, "tiny")));
    blob_unref(&small);
    blob_unref(&big);
    tile_lists_destroy(&lists);
    world_finish(&w);
}

/* A list of names is made of those tiles, and looks like what a pattern that selects them gives. */
static void names_list_what_patterns_list(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    world_set(&w, "b", 1, 10);
    world_set(&w, "a.2", 2, 10);
    world_set(&w, "a.1", 3, 10);
    struct blob *names = json_of(lists, "nothing,a.2,a.1");
    struct blob *patterns = json_of(lists, "a.*");
    assert_int_equal(names->len, patterns->len);
    assert_memory_equal(names->data, patterns->data, names->len);
    assert_string_equal(get(lists, "a.1,a.2")->digest, get(lists, "*.1,*.2")->digest);
    blob_unref(&names);
    blob_unref(&patterns);
    tile_lists_destroy(&lists);
    world_finish(&w);
}

static int get_within(struct tile_lists *lists, const char *keys, struct tile_list_bounds *bounds)
{
    struct selection selection;
    struct tile_list *list;
    assert_int_equal(selection_parse(&selection, keys), STATUS_OK);
    const int status = tile_lists_get(lists, &selection, &whole, &cursor, bounds, &list);
    selection_free(&selection);
    return status;
}

/* A hundred tiles, whose keys differ by their numbers alone. */
static void set_hundred(struct world *w, bool two_digits)
{
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, two_digits ? "t%02d" : "t%d", i);
        world_set(w, key, i, 100);
    }
}

static void a_list_has_bounds_and_tells_what_it_took(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    set_hundred(&w, true);
    struct tile_list_bounds bounds = {.max_bytes = 4096, .max_steps = 500};
    assert_int_equal(get_within(lists, "*", &bounds), STATUS_FULL);
    assert_int_equal(get_within(lists, "t0*", &bounds), STATUS_OK); /* ten of them */
    assert_int_equal(get_within(lists, "t0*,*t*0*x*,*1*t*", &bounds), STATUS_INVALID);
    const uint64_t made = bounds.steps;
    assert_true(made > 200);
    bounds.steps = 0;
    assert_int_equal(get_within(lists, "t0*", &bounds), STATUS_OK);
    assert_int_equal(bounds.steps, 0); /* it was kept */
    assert_int_equal(get_within(lists, "t42", &bounds), STATUS_OK);
    assert_in_range(bounds.steps, 1, 60); /* one tile is looked at */
    tile_lists_destroy(&lists);
    world_finish(&w);
}

/* Goes through the pages; how many tiles they have together. */
static size_t read_pages(struct tile_lists *lists, const char *keys, size_t limit)
{
    char after[32] = "";
    size_t tiles = 0;
    for (size_t pages = 1;; pages++) {
        const struct tile_list_page page = {after[0] != '\0' ? str_of(after) : STR_NULL, limit};
        const struct tile_list *list = get_page(lists, keys, &page);
        const struct buf json = {.data = list->json->data, .len = list->json->len};
        const size_t here = occurrences(&json, "\"key\":");
        tiles += here;
        assert_true(here <= limit && pages <= 200);
        static const char mark[] = "],\"next\":\"";
        const char *next = memmem(json.data, json.len, mark, sizeof mark - 1);
        if (next == NULL) {
            return tiles;
        }
        assert_int_equal(here, limit);
        assert_int_equal(sscanf(next + sizeof mark - 1, "%31[^\"]", after), 1);
    }
}

static void pages_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    world_set(&w, "b", 1, 1);
    world_set(&w, "c", 2, 1);
    const struct tile_list_page pages[] = {
        {STR_NULL, 0}, {STR_NULL, 1}, {STR("a"), 1}, {STR("b"), 1}, {STR("a c within"), 1}};
    const struct tile_list *made[sizeof pages / sizeof *pages];
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        made[i] = get_page(lists, "b,c", &pages[i]);
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(made[i], made[k]);
        }
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        assert_ptr_equal(get_page(lists, "b,c", &pages[i]), made[i]); /* it was kept */
    }
    assert_true(holds(made[2]->json, "\"next\":\"b\""));
    assert_false(holds(made[3]->json, "\"key\":\"b\""));
    tile_lists_destroy(&lists);
    world_finish(&w);
}

static void pages_of_any_size_have_each_tile_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1 << 16, 16);
    struct tile_lists *lists = tile_lists_create(w.store);
    set_hundred(&w, false);
    static const size_t limits[] = {1, 7, 50, 99, 100, 101, 10000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assert_int_equal(read_pages(lists, NULL, limits[i]), 100);
        assert_int_equal(read_pages(lists, "*3*", limits[i]), 19);
        assert_int_equal(read_pages(lists, "t1,t11,t2,t9,u", limits[i]), 4);
    }
    const struct tile_list_page first = {STR_NULL, 100};
    char digest[17];
    memcpy(digest, get_page(lists, NULL, &first)->digest, sizeof digest);
    assert_string_equal(get(lists, NULL)->digest, digest); /* the same tiles */
    world_set(&w, "u", 1, 1);
    tile_lists_outdate(lists);
    assert_string_not_equal(get_page(lists, NULL, &first)->digest,
                            digest); /* there is a next one */
    tile_lists_destroy(&lists);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_list_what_patterns_list),
        cmocka_unit_test(pages_are_told_apart),
        cmocka_unit_test(pages_of_any_size_have_each_tile_once),
        cmocka_unit_test(a_list_has_bounds_and_tells_what_it_took),
        cmocka_unit_test(a_list_is_made_once_for_each_state),
        cmocka_unit_test(those_asked_for_last_are_kept),
        cmocka_unit_test(large_lists_are_not_hoarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
