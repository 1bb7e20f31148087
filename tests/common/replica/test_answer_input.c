/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/answer.h"

#include "common/wire/wire.h"
#include "tests/common/replica/paper.h"

enum shape { PING, STATS, FOUND, LIST, SNAPSHOT, EVENTS, TILE, LISTED, TOMBSTONE, EVENT, SHAPES };

static bool read_shape(enum shape shape, const mp_value *value)
{
    union {
        struct answer_ping ping;
        struct answer_stats stats;
        struct answer_found found;
        struct answer_list list;
        struct answer_snapshot snapshot;
        struct answer_events events;
        struct answer_tile tile;
        struct answer_event event;
    } out;
    switch (shape) {
    case PING:
        return answer_read_ping(value, &out.ping);
    case STATS:
        return answer_read_stats(value, &out.stats);
    case FOUND:
        return answer_read_found(value, &out.found);
    case LIST:
        return answer_read_list(value, &out.list);
    case SNAPSHOT:
        return answer_read_snapshot(value, &out.snapshot);
    case EVENTS:
        return answer_read_events(value, &out.events);
    case TILE:
    case TOMBSTONE:
        return answer_read_tile(value, &out.tile);
    case LISTED:
        return answer_read_listed_tile(value, &out.tile);
    case EVENT:
        return answer_read_event(value, &out.event);
    case SHAPES:
        break;
    }
    return false;
}

/* A well-formed one. */
static void put_shape(enum shape shape, struct buf *out)
{
    const struct str row = STR("\x82\xa2id\x01\xaa"
                               "event_type\xa1t");
    struct answer_standing standing = {
        .instance = STR("i"), .lanes = 2, .lanes_owned = 3, .position = STR("1")};
    struct answer_tile tile = {
        .key = STR("k"), .ttl_ms = 1, .position = STR("1"), .tally = {true, 1, 2}};
    const struct answer_ping ping = {standing, STR("cache"), STR("1"), true, 1};
    const struct answer_stats stats = {STR("cache"), true, STR(""), {.bytes = row}};
    const struct answer_event event = {.ordinal = 1, .fields.bytes = row};
    switch (shape) {
    case PING:
        answer_put_ping(out, &ping);
        return;
    case STATS:
        answer_put_stats(out, &stats);
        return;
    case FOUND:
        answer_put_found(out, 1, STR(""), 0);
        return;
    case LIST:
        answer_end_list(out, answer_begin_list(out), false);
        return;
    case SNAPSHOT:
        answer_end_page(out, answer_begin_snapshot(out, &standing, 0, false), 1, false);
        return;
    case EVENTS:
        answer_end_page(out, answer_begin_events(out, &standing, 1, 1), 1, false);
        return;
    case TILE:
    case LISTED:
    case TOMBSTONE:
        tile.removed = shape == TOMBSTONE;
        tile.value.bytes = shape == TILE ? row : STR_NULL;
        answer_put_tile(out, &tile);
        return;
    case EVENT:
        answer_put_event(out, &event);
        return;
    case SHAPES:
        break;
    }
}

/* The members that a reader can do without; without its value a tile is a tombstone. */
static bool optional(enum shape shape, struct str name)
{
    static const char *const names[SHAPES][8] = {
        [PING] = {"position", "as_of", "confirmed", "continues", "accounted", "role", "version",
                  "tiles"},
        [SNAPSHOT] = {"position", "as_of", "confirmed", "continues", "accounted", "forgotten"},
        [EVENTS] = {"position", "as_of", "confirmed", "continues", "accounted", "generation",
                    "next"},
        [TILE] = {"stale", "p", "m"},
        [LISTED] = {"stale"},
        [TOMBSTONE] = {"expired"},
        [EVENT] = {"a", "u"},
    };
    for (size_t i = 0; i < 8 && names[shape][i] != NULL; i++) {
        if (str_is(name, names[shape][i])) {
            return true;
        }
    }
    return false;
}

/* Copies the map but for one member, which is left out or gets the value of those bytes. */
static void change(struct buf *out, const mp_value *map, size_t index, struct str value)
{
    mp_put_map(out, mp_count(map) - (value.p == NULL));
    for (size_t i = 0; i < mp_count(map); i++) {
        if (i != index || value.p != NULL) {
            mp_put_value(out, &map->via.map.ptr[i].key);
        }
        if (i != index) {
            mp_put_value(out, &map->via.map.ptr[i].val);
        } else {
            buf_append_str(out, value.p != NULL ? value : STR(""));
        }
    }
}

static void test_a_member_that_is_missing_or_of_another_type_is_refused(void **state)
{
    struct paper *paper = *state;
    /* Left out, nil, and a float that is no whole number: no member is one. */
    const struct str values[] = {STR_NULL, STR("\xc0"), STR("\xca\x3f\xc0\x00\x00")};
    for (enum shape shape = PING; shape < SHAPES; shape++) {
        buf_clear(&paper->bytes);
        put_shape(shape, &paper->bytes);
        const mp_value *map = parse(paper);
        assert_true(read_shape(shape, map));
        for (size_t i = 0; i < mp_count(map); i++) {
            struct str name = STR("");
            assert_true(mp_as_str(&map->via.map.ptr[i].key, &name));
            for (size_t k = 0; k < 3; k++) {
                struct buf changed = {0};
                struct mp_doc doc;
                mp_doc_init(&doc);
                change(&changed, map, i, values[k]);
                assert_int_equal(mp_parse(&doc, changed.data, changed.len), STATUS_OK);
                /* A value that is there has to be a map, though a tile may have none. */
                const bool fine = optional(shape, name) && !(str_is(name, "p") && k != 0);
                if (read_shape(shape, &doc.root) != fine) {
                    fail_msg("shape %d, member %.*s, change %d", (int)shape, (int)name.len, name.p,
                             (int)k);
                }
                mp_doc_free(&doc);
                buf_free(&changed);
            }
        }
    }
}

static void test_members_that_are_not_known_are_ignored(void **state)
{
    struct paper *paper = *state;
    for (enum shape shape = PING; shape < SHAPES; shape++) {
        struct buf more = {0};
        struct mp_doc doc;
        mp_doc_init(&doc);
        buf_clear(&paper->bytes);
        put_shape(shape, &paper->bytes);
        const mp_value *map = parse(paper);
        mp_put_map(&more, mp_count(map) + 1);
        mp_put_text(&more, "of another version");
        mp_put_nil(&more);
        for (size_t i = 0; i < mp_count(map); i++) {
            mp_put_value(&more, &map->via.map.ptr[i].key);
            mp_put_value(&more, &map->via.map.ptr[i].val);
        }
        assert_int_equal(mp_parse(&doc, more.data, more.len), STATUS_OK);
        assert_true(read_shape(shape, &doc.root));
        mp_doc_free(&doc);
        buf_free(&more);
    }
}

static void test_what_is_no_map_is_refused(void **state)
{
    struct paper *paper = *state;
    static const char *const values[] = {"\xc0", "\x07", "\xa1x", "\x90", "\x80", "\xc3"};
    for (enum shape shape = PING; shape < SHAPES; shape++) {
        assert_false(read_shape(shape, NULL));
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            struct answer_error error;
            buf_clear(&paper->bytes);
            buf_append_text(&paper->bytes, values[i]);
            assert_false(read_shape(shape, parse(paper)));
            assert_false(answer_read_error(parse(paper), &error));
        }
    }
}

static bool reads(struct paper *paper, const struct answer_tile *tile)
{
    struct answer_tile read;
    buf_clear(&paper->bytes);
    answer_put_tile(&paper->bytes, tile);
    return answer_read_tile(parse(paper), &read);
}

static void test_tiles_out_of_bounds_are_refused(void **state)
{
    struct paper *paper = *state;
    char long_key[WIRE_KEY_MAX + 1];
    memset(long_key, 'k', sizeof long_key);
    const struct answer_tile good = {.key = STR("k"),
                                     .lane = LANES_MAX - 1,
                                     .value.bytes = STR("\x80"),
                                     .ttl_ms = WIRE_TTL_MAX_MS,
                                     .grace_ms = WIRE_TTL_MAX_MS,
                                     .as_of = {WIRE_TIME_MAX_US},
                                     .published_at = {-WIRE_TIME_MAX_US},
                                     .age_ms = WIRE_TTL_MAX_MS};
    assert_true(reads(paper, &good));
#define REFUSED(member, wrong)                                                                     \
    do {                                                                                           \
        struct answer_tile bad = good;                                                             \
        bad.member = (wrong);                                                                      \
        assert_false(reads(paper, &bad));                                                          \
    } while (0)
    REFUSED(key, STR(""));
    REFUSED(key, STR("two words"));
    REFUSED(key, STR("a*"));
    REFUSED(key, ((struct str){long_key, sizeof long_key}));
    REFUSED(lane, LANES_MAX);
    REFUSED(value.bytes, STR("\x90"));
    REFUSED(ttl_ms, 0);
    REFUSED(ttl_ms, -1);
    REFUSED(ttl_ms, WIRE_TTL_MAX_MS + 1);
    REFUSED(grace_ms, -1);
    REFUSED(grace_ms, WIRE_TTL_MAX_MS + 1);
    REFUSED(as_of.us, WIRE_TIME_MAX_US + 1);
    REFUSED(published_at.us, -WIRE_TIME_MAX_US - 1);
    REFUSED(age_ms, -1);
    REFUSED(age_ms, WIRE_TTL_MAX_MS + 1);
#undef REFUSED
}

static void test_lanes_out_of_bounds_are_refused(void **state)
{
    struct paper *paper = *state;
    static const char *const wrong[] = {
        "\xa5lanes\x41\xa8versions\x80",                     /* one lane too many */
        "\xa5lanes\xff\xa8versions\x80",                     /* -1 */
        "\xa5lanes\x01\xa8versions\x90",                     /* no map */
        "\xa5lanes\x01\xa8versions\x81\xa1\x30\x91\x01",     /* an epoch alone */
        "\xa5lanes\x01\xa8versions\x81\xa1\x30\x92\x01\xff", /* a sequence below 0 */
        "\xa5lanes\x01\xa8versions\x81\xa1\x30\xc3",         /* no version */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct answer_ping ping;
        buf_clear(&paper->bytes);
        mp_put_map(&paper->bytes, 6);
        buf_append_text(&paper->bytes, wrong[i]);
        buf_append_text(&paper->bytes, "\xa8instance\xa1i\xa6origin\x01\xa7ordinal\x01\xa7serving"
                                       "\xc3");
        assert_false(answer_read_ping(parse(paper), &ping));
    }
}

static void test_an_event_without_what_each_has_is_refused(void **state)
{
    struct paper *paper = *state;
    static const char *const wrong[] = {
        "\x82\xa1n\x01\xa1\x65\x81\xa2id\x01",                         /* no type */
        "\x82\xa1n\x01\xa1\x65\x81\xaa\x65vent_type\xa1t",             /* no id */
        "\x82\xa1n\x01\xa1\x65\x82\xa2id\xa1\n\xaa\x65vent_type\xa1t", /* id: no such text */
        "\x82\xa1n\x01\xa1\x65\x82\xa2id\x01\xaa\x65vent_type\x01",    /* type: no text */
        "\x82\xa1n\x01\xa1\x65\x90",                                   /* no map */
    };
    struct answer_event event;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buf_clear(&paper->bytes);
        buf_append_text(&paper->bytes, wrong[i]);
        assert_false(answer_read_event(parse(paper), &event));
    }
    const struct answer_event none = {.ordinal = 0,
                                      .fields.bytes = STR("\x82\xa2id\x01\xaa"
                                                          "event_type\xa1t")};
    buf_clear(&paper->bytes);
    answer_put_event(&paper->bytes, &none);
    assert_false(answer_read_event(parse(paper), &event));
}

static void test_mutated_replies_do_no_harm(void **state)
{
    struct paper *paper = *state;
    const unsigned seed = seed_of_run();
    srand(seed);
    for (int run = 0; run < 20000; run++) {
        const enum shape shape = (enum shape)(rand() % SHAPES);
        buf_clear(&paper->bytes);
        put_shape(shape, &paper->bytes);
        for (int left = 1 + rand() % 4; left > 0; left--) {
            paper->bytes.data[(size_t)rand() % paper->bytes.len] = (char)rand();
        }
        if (mp_parse(&paper->doc, paper->bytes.data, paper->bytes.len) == STATUS_OK) {
            (void)read_shape(shape, &paper->doc.root);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_member_that_is_missing_or_of_another_type_is_refused),
        TEST(test_members_that_are_not_known_are_ignored),
        TEST(test_what_is_no_map_is_refused),
        TEST(test_tiles_out_of_bounds_are_refused),
        TEST(test_lanes_out_of_bounds_are_refused),
        TEST(test_an_event_without_what_each_has_is_refused),
        TEST(test_mutated_replies_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
