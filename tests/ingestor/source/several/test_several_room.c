/* SPDX-License-Identifier: Apache-2.0 */
/* More sources than the state has room for: those that went first are forgotten, and never one that
 * is configured. */
#include "ingestor/source/several/several_room.h"

#include <stdio.h>

#include "tests/unit.h"

#define KEEP 1000

static struct config *configure(const char *const *names, size_t count)
{
    struct buf yaml = {0};
    struct config *config;
    struct error err = {{0}};
    buf_append_text(&yaml, "sources:\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(&yaml, "  - {name: %s, uri: 'sqlite:%s.db'}\n", names[i], names[i]);
    }
    if (config_parse(yaml.data, yaml.len, "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&yaml);
    return config;
}

/* A start with these sources. Returns how many were forgotten. */
static size_t start(struct several_state *state, const char *const *names, size_t count)
{
    struct config *config = configure(names, count);
    const size_t forgotten = several_make_room(state, config);
    for (size_t i = 0; i < count; i++) {
        const size_t place = several_state_place(state, names[i], 7);
        struct buf *own = &state->places[place].state;
        if (own->len == 0) {
            buf_append_text(own, names[i]);
        }
    }
    config_destroy(&config);
    return forgotten;
}

/* A start with 16 sources that were never there. */
static size_t start_others(struct several_state *state, int round)
{
    char texts[CONFIG_SOURCES_MAX][8];
    const char *names[CONFIG_SOURCES_MAX];
    for (int i = 0; i < CONFIG_SOURCES_MAX; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "o%dx%d", round, i);
        names[i] = texts[i];
    }
    return start(state, names, CONFIG_SOURCES_MAX);
}

static void assert_known(const struct several_state *state, const char *name, bool expected)
{
    const struct several_place *place = several_state_known(state, name, 7);
    assert_int_equal(place != NULL, expected);
    if (expected) {
        assert_true(str_is(buf_str(&place->state), name));
    }
}

static void test_those_that_went_first_are_forgotten(void **unused)
{
    (void)unused;
    static const char *const first[] = {"old", "long", "late"};
    struct several_state state = {.origin = 1, .keep = KEEP};
    assert_int_equal(start(&state, first, 3), 0);
    assert_int_equal(start(&state, first + 1, 2), 0); /* old goes */
    assert_int_equal(start(&state, first, 1), 0);     /* it is back, and the others go */
    for (int round = 0; round < 3; round++) {
        assert_int_equal(start_others(&state, round), 0);
    }
    assert_int_equal(state.count, 3 + 3 * CONFIG_SOURCES_MAX);
    assert_int_equal(start_others(&state, 3), 3); /* 48 have room beside these 16 */
    for (size_t i = 0; i < 3; i++) {
        assert_known(&state, first[i], false);
    }
    assert_known(&state, "o0x0", true);
    assert_int_equal(start(&state, first, 1), 1);
    assert_known(&state, "old", true);
    assert_known(&state, "o0x0", false);
    assert_known(&state, "o0x1", true);
    several_state_free(&state);
}

static void test_one_that_is_configured_is_never_forgotten(void **unused)
{
    (void)unused;
    static const char *const two[] = {"stays", "stays_too"};
    struct several_state state = {.origin = 1, .keep = KEEP};
    (void)start(&state, two, 2);
    size_t forgotten = 0;
    for (int round = 0; round < 8; round++) {
        char texts[CONFIG_SOURCES_MAX][8];
        const char *names[CONFIG_SOURCES_MAX] = {two[0], two[1]};
        for (int i = 2; i < CONFIG_SOURCES_MAX; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "o%dx%d", round, i);
            names[i] = texts[i];
        }
        forgotten += start(&state, names, CONFIG_SOURCES_MAX);
        assert_known(&state, two[0], true);
        assert_known(&state, two[1], true);
        assert_true(state.count <= SEVERAL_PLACES_MAX);
    }
    assert_int_equal(state.count + forgotten, 2 + 8 * (CONFIG_SOURCES_MAX - 2));
    several_state_free(&state);
}

static void test_runs_are_of_the_same_sources_as_before(void **unused)
{
    (void)unused;
    static const char *const names[] = {"shop", "desk", "bus"};
    struct several_state state = {.origin = 1, .keep = KEEP};
    (void)start(&state, names, 3);
    for (size_t i = 0; i < 3; i++) {
        state.places[i].origin = 9;
        (void)several_state_advance(&state, i, &(struct several_news){9, 1, 2 + i, 2 + i});
    }
    (void)start(&state, names + 1, 1); /* desk alone, which stands behind the others now */
    assert_string_equal(state.places[2].name, "desk");
    assert_int_equal(several_state_find(&state, 2, 1), 3);
    assert_int_equal(several_state_find(&state, 0, 1), 1);
    assert_int_equal(several_state_find(&state, 1, 4), 9);
    for (int round = 0; round < 4; round++) {
        (void)start_others(&state, round);
    }
    assert_int_equal(state.run_count, 0); /* nobody knows any of the three */
    several_state_free(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_that_went_first_are_forgotten),
        cmocka_unit_test(test_one_that_is_configured_is_never_forgotten),
        cmocka_unit_test(test_runs_are_of_the_same_sources_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
