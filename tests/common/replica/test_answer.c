/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/answer.h"

#include "common/wire/wire.h"
#include "tests/common/replica/paper.h"

/* ---- Random values ---- */

static uint64_t random_bits(void)
{
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++) {
        bits = bits << 15 ^ (uint64_t)(rand() & 0x7fff);
    }
    return bits >> rand() % 64; /* small numbers as often as large ones */
}

static int64_t random_time(void)
{
    const int64_t us = (int64_t)(random_bits() % (uint64_t)WIRE_TIME_MAX_US);
    return rand() % 2 == 0 ? us : -us;
}

static int64_t random_ms(void)
{
    return (int64_t)(random_bits() % ((uint64_t)WIRE_TTL_MAX_MS + 1));
}

static bool random_bool(void)
{
    return rand() % 2 == 0;
}

static struct version random_version(void)
{
    return (struct version){random_bits(), random_bits()};
}

/* 1 to 39 bytes that may stand in a key. */
static struct str random_text(char out[40])
{
    const size_t len = 1 + (size_t)rand() % 39;
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)('a' + rand() % 26);
    }
    return (struct str){out, len};
}

static void random_standing(struct answer_standing *out, char text[2][40])
{
    *out = (struct answer_standing){.instance = random_text(text[0]),
                                    .lanes = (unsigned)rand() % (LANES_MAX + 1),
                                    .position = random_text(text[1]),
                                    .as_of = {random_time()},
                                    .origin = random_bits(),
                                    .ordinal = random_bits(),
                                    .confirmed = random_bits(),
                                    .continues = random_bits(),
                                    .accounted = random_bits()};
    for (unsigned lane = 0; lane < out->lanes; lane++) {
        if (random_bool()) {
            out->lanes_owned |= UINT64_C(1) << lane;
            out->versions[lane] = random_version();
        }
    }
}

static void assert_standing(const struct answer_standing *read,
                            const struct answer_standing *written)
{
    assert_true(str_equal(read->instance, written->instance));
    assert_int_equal(read->lanes, written->lanes);
    assert_int_equal(read->lanes_owned, written->lanes_owned);
    assert_memory_equal(read->versions, written->versions, sizeof read->versions);
    assert_true(str_equal(read->position, written->position));
    assert_int_equal(read->as_of.us, written->as_of.us);
    assert_int_equal(read->origin, written->origin);
    assert_int_equal(read->ordinal, written->ordinal);
    assert_int_equal(read->confirmed, written->confirmed);
    assert_int_equal(read->continues, written->continues);
    assert_int_equal(read->accounted, written->accounted);
}

static void assert_map(const struct answer_map *read, struct str written)
{
    struct buf again = {0};
    mp_put_value(&again, read->parsed);
    assert_true(str_equal(buf_str(&again), written));
    buf_free(&again);
}

/* {"v": a number, "id": that number, "event_type": "t"}: good as a value, as stats, as a row. */
static void random_map(struct buf *out, int64_t *number)
{
    *number = random_time();
    buf_clear(out);
    mp_put_map(out, 3);
    mp_put_text(out, "v");
    mp_put_int(out, *number);
    mp_put_text(out, "id");
    mp_put_int(out, *number);
    mp_put_text(out, "event_type");
    mp_put_text(out, "t");
}

/* ---- Round trips ---- */

static void test_ping_comes_back_as_it_was(void **state)
{
    struct paper *paper = *state;
    for (int run = 0; run < 500; run++) {
        char text[4][40];
        struct answer_ping written = {.role = random_text(text[2]),
                                      .version = random_text(text[3]),
                                      .serving = random_bool(),
                                      .tiles = random_bits()};
        struct answer_ping read;
        random_standing(&written.standing, text);
        buf_clear(&paper->bytes);
        answer_put_ping(&paper->bytes, &written);
        assert_true(answer_read_ping(parse(paper), &read));
        assert_standing(&read.standing, &written.standing);
        assert_true(str_equal(read.role, written.role));
        assert_true(str_equal(read.version, written.version));
        assert_int_equal(read.serving, written.serving);
        assert_int_equal(read.tiles, written.tiles);
    }
}

static void test_stats_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    struct buf map = {0};
    for (int run = 0; run < 500; run++) {
        char text[2][40];
        int64_t number;
        random_map(&map, &number);
        const struct answer_stats written = {.role = random_text(text[0]),
                                             .serving = random_bool(),
                                             .reason = random_text(text[1]),
                                             .stats.bytes = buf_str(&map)};
        struct answer_stats read;
        buf_clear(&paper->bytes);
        answer_put_stats(&paper->bytes, &written);
        assert_true(answer_read_stats(parse(paper), &read));
        assert_true(str_equal(read.role, written.role));
        assert_int_equal(read.serving, written.serving);
        assert_true(str_equal(read.reason, written.reason));
        assert_map(&read.stats, buf_str(&map));
    }
    buf_free(&map);
}

static void test_errors_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    const struct answer_error written = {STR(ANSWER_NOT_FOUND), STR("there is none")};
    struct answer_error read;
    answer_put_error(&paper->bytes, &written);
    assert_true(answer_read_error(parse(paper), &read));
    assert_str(read.code, "not_found");
    assert_str(read.message, "there is none");
}

static struct answer_tile random_tile(char text[2][40])
{
    return (struct answer_tile){.key = random_text(text[0]),
                                .lane = (unsigned)rand() % LANES_MAX,
                                .version = random_version(),
                                .ttl_ms = 1 + random_ms() % WIRE_TTL_MAX_MS,
                                .grace_ms = random_ms(),
                                .position = random_text(text[1]),
                                .as_of = {random_time()},
                                .published_at = {random_time()},
                                .age_ms = random_ms(),
                                .stale = random_bool()};
}

static void assert_identity(const struct answer_tile *read, const struct answer_tile *written)
{
    assert_true(str_equal(read->key, written->key));
    assert_int_equal(read->lane, written->lane);
    assert_int_equal(version_compare(read->version, written->version), 0);
}

static void assert_rest(const struct answer_tile *read, const struct answer_tile *written)
{
    assert_false(read->removed);
    assert_int_equal(read->ttl_ms, written->ttl_ms);
    assert_int_equal(read->grace_ms, written->grace_ms);
    assert_true(str_equal(read->position, written->position));
    assert_int_equal(read->as_of.us, written->as_of.us);
    assert_int_equal(read->published_at.us, written->published_at.us);
    assert_int_equal(read->age_ms, written->age_ms);
    assert_int_equal(read->stale, written->stale);
}

static void test_tiles_of_each_shape_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    struct buf value = {0};
    for (int run = 0; run < 500; run++) {
        char text[2][40];
        int64_t number;
        struct answer_tile read;
        struct answer_tile written = random_tile(text);
        buf_clear(&paper->bytes);
        answer_put_tile(&paper->bytes, &written);
        assert_true(answer_read_listed_tile(parse(paper), &read));
        assert_identity(&read, &written);
        assert_rest(&read, &written);
        assert_null(read.value.parsed);

        random_map(&value, &number);
        written.value.bytes = buf_str(&value);
        buf_clear(&paper->bytes);
        answer_put_tile(&paper->bytes, &written);
        assert_true(answer_read_tile(parse(paper), &read));
        assert_identity(&read, &written);
        assert_rest(&read, &written);
        assert_map(&read.value, buf_str(&value));
        assert_false(read.tally.known);
        written.tally = (struct tally){true, (uint64_t)run, UINT64_MAX};
        buf_clear(&paper->bytes);
        answer_put_tile(&paper->bytes, &written);
        assert_true(answer_read_tile(parse(paper), &read));
        assert_true(tally_equal(&read.tally, &written.tally));

        written.removed = true;
        written.expired = random_bool();
        buf_clear(&paper->bytes);
        answer_put_tile(&paper->bytes, &written);
        assert_true(answer_read_tile(parse(paper), &read));
        assert_identity(&read, &written);
        assert_true(read.removed);
        assert_int_equal(read.expired, written.expired);
        assert_null(read.value.parsed);
    }
    buf_free(&value);
}

static void test_events_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    struct buf fields = {0};
    for (int run = 0; run < 500; run++) {
        int64_t id;
        struct answer_event read;
        random_map(&fields, &id);
        const struct answer_event written = {.ordinal = random_bits() | 1,
                                             .arrival = {random_time()},
                                             .published_at = {random_time()},
                                             .fields.bytes = buf_str(&fields)};
        buf_clear(&paper->bytes);
        answer_put_event(&paper->bytes, &written);
        assert_true(answer_read_event(parse(paper), &read));
        assert_int_equal(read.ordinal, written.ordinal);
        assert_int_equal(read.arrival.us, written.arrival.us);
        assert_int_equal(read.published_at.us, written.published_at.us);
        assert_int_equal(read.id.number, id);
        assert_str(read.event_type, "t");
        assert_map(&read.fields, buf_str(&fields));
    }
    buf_free(&fields);
}

static void test_pages_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    for (int run = 0; run < 100; run++) {
        char text[2][40];
        char key[2][40];
        struct answer_standing standing;
        struct answer_snapshot snapshot;
        struct answer_events events;
        const size_t count = (size_t)rand() % 20;
        const uint64_t number = random_bits();
        const bool flag = random_bool();
        random_standing(&standing, text);

        buf_clear(&paper->bytes);
        struct answer_array array =
            answer_begin_snapshot(&paper->bytes, &standing, number / 2, flag);
        for (; array.count < count; array.count++) {
            struct answer_tile tile = random_tile(key);
            tile.removed = true;
            answer_put_tile(&paper->bytes, &tile);
        }
        answer_end_page(&paper->bytes, array, number, !flag);
        assert_true(answer_read_snapshot(parse(paper), &snapshot));
        assert_standing(&snapshot.standing, &standing);
        assert_int_equal(snapshot.restart, flag);
        assert_int_equal(snapshot.forgotten, number / 2);
        assert_int_equal(mp_count(snapshot.tiles), count);
        assert_int_equal(snapshot.next, number);
        assert_int_equal(snapshot.more, !flag);

        buf_clear(&paper->bytes);
        array = answer_begin_events(&paper->bytes, &standing, number, number / 2);
        answer_end_page(&paper->bytes, array, number / 2, flag);
        assert_true(answer_read_events(parse(paper), &events));
        assert_standing(&events.standing, &standing);
        assert_int_equal(events.floor, number);
        assert_int_equal(events.generation, number / 2);
        assert_int_equal(mp_count(events.events), 0);
        assert_int_equal(events.next, number / 2);
        assert_int_equal(events.more, flag);
    }
}

static void test_lists_come_back_as_they_were(void **state)
{
    struct paper *paper = *state;
    struct buf tiles = {0};
    for (int run = 0; run < 100; run++) {
        char key[2][40];
        struct answer_list list;
        struct answer_found found;
        const size_t count = (size_t)rand() % 20;
        const uint64_t number = random_bits();
        const bool flag = random_bool();

        buf_clear(&paper->bytes);
        buf_clear(&tiles);
        struct answer_array array = answer_begin_list(&paper->bytes);
        for (; array.count < count; array.count++) {
            const struct answer_tile tile = random_tile(key);
            answer_put_tile(&paper->bytes, &tile);
            answer_put_tile(&tiles, &tile);
        }
        answer_end_list(&paper->bytes, array, flag);
        assert_true(answer_read_list(parse(paper), &list));
        assert_int_equal(mp_count(list.tiles), count);
        assert_int_equal(list.more, flag);

        buf_clear(&paper->bytes);
        answer_put_found(&paper->bytes, number, buf_str(&tiles), count);
        assert_true(answer_read_found(parse(paper), &found));
        assert_int_equal(found.answered, number);
        assert_int_equal(mp_count(found.tiles), count);
    }
    buf_free(&tiles);
}

/* ---- Bytes: other programs read them, too ---- */

static void test_the_bytes_are_those_of_the_protocol(void **state)
{
    struct paper *paper = *state;
    struct answer_tile tile = {.key = STR("x"),
                               .lane = 2,
                               .version = {1, 5},
                               .value.bytes = STR("\x81\xa1v\x01"),
                               .ttl_ms = 60,
                               .grace_ms = 10,
                               .position = STR("7"),
                               .as_of = {3},
                               .published_at = {4},
                               .age_ms = 6,
                               .stale = true};
    answer_put_tile(&paper->bytes, &tile);
    assert_bytes(paper, STR("\x8b\xa1k\xa1x\xa1l\x02\xa1v\x92\x01\x05\xa1p\x81\xa1v\x01\xa1t\x3c"
                            "\xa1g\x0a\xa1s\xa1"
                            "7\xa1w\x03\xa1u\x04\xa3"
                            "age\x06\xa5stale\xc3"));
    buf_clear(&paper->bytes);
    tile.removed = true;
    answer_put_tile(&paper->bytes, &tile);
    assert_bytes(paper, STR("\x84\xa1k\xa1x\xa1l\x02\xa1v\x92\x01\x05\xa7"
                            "expired\xc2"));
    buf_clear(&paper->bytes);
    const struct answer_event event = {
        .ordinal = 9, .arrival = {1}, .published_at = {2}, .fields.bytes = STR("\x81\xa2id\x01")};
    answer_put_event(&paper->bytes, &event);
    assert_bytes(paper, STR("\x84\xa1n\x09\xa1"
                            "a\x01\xa1u\x02\xa1"
                            "e\x81\xa2id\x01"));
    buf_clear(&paper->bytes);
    const struct answer_standing standing = {.instance = STR("i"),
                                             .lanes = 3,
                                             .lanes_owned = 4,
                                             .versions = {{0, 0}, {0, 0}, {8, 80}},
                                             .position = STR("42"),
                                             .as_of = {99},
                                             .origin = 1,
                                             .ordinal = 7,
                                             .confirmed = 6,
                                             .continues = 5,
                                             .accounted = 4};
    const struct answer_array array = answer_begin_snapshot(&paper->bytes, &standing, 0, false);
    answer_end_page(&paper->bytes, array, 5, true);
    assert_bytes(paper, STR("\x8f\xa8instance\xa1i\xa5lanes\x03\xa8versions\x81\xa1"
                            "2\x92\x08\x50\xa8position\xa2"
                            "42\xa5"
                            "as_of\x63\xa6origin\x01\xa7ordinal\x07\xa9"
                            "confirmed\x06\xa9"
                            "continues\x05\xa9"
                            "accounted\x04\xa9"
                            "forgotten\x00\xa7restart\xc2\xa5tiles\xdd"
                            "\x00\x00\x00\x00\xa4next\x05\xa4more\xc3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ping_comes_back_as_it_was),
        TEST(test_stats_come_back_as_they_were),
        TEST(test_errors_come_back_as_they_were),
        TEST(test_tiles_of_each_shape_come_back_as_they_were),
        TEST(test_events_come_back_as_they_were),
        TEST(test_pages_come_back_as_they_were),
        TEST(test_lists_come_back_as_they_were),
        TEST(test_the_bytes_are_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
