/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as tables hold them: what the fold's reading (common/base/time/clock.h) and the oracle's
 * make of them, against values that Python's datetime worked out, and against each other. */
#include "ctl/oracle/moment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/time/clock.h"
#include "common/base/time/zone.h"
#include "tests/unit.h"

struct expected {
    const char *text;
    int64_t us;
};

static const struct expected moments[] = {
    {"20261126224100", INT64_C(1795732860000000)},
    {"20261126", INT64_C(1795651200000000)},
    {"202611262241", INT64_C(1795732860000000)},
    {"20261126224100123", INT64_C(1795732860123000)},
    {"20261126224100123456", INT64_C(1795732860123456)},
    {"20261126224100.5", INT64_C(1795732860500000)},
    {"20261126224100,25Z", INT64_C(1795732860250000)},
    {"20261126224100+0100", INT64_C(1795729260000000)},
    {"202611262241Z", INT64_C(1795732860000000)},
    {"20261126224100 UTC", INT64_C(1795732860000000)},
    {"20261126T224100Z", INT64_C(1795732860000000)},
    {"20261126T2241", INT64_C(1795732860000000)},
    {"20261126t224100.25z", INT64_C(1795732860250000)},
    {"20261126 224100-0530", INT64_C(1795752660000000)},
    {"20261126T224100123", INT64_C(1795732860123000)},
    {"2026-11-26T2241", INT64_C(1795732860000000)},
    {"2026-11-26 22:41:00 UTC", INT64_C(1795732860000000)},
    {"2026-11-26 22:41:00 GMT", INT64_C(1795732860000000)},
    {"2026-11-26 22:41:00+00", INT64_C(1795732860000000)},
    {"2026-11-26 22:41:00 +01", INT64_C(1795729260000000)},
    {"2026-11-26 22:41:00+01:00:30", INT64_C(1795729230000000)},
    {"2026-11-26T22:41:00,123456789", INT64_C(1795732860123456)},
    {"2026-330", INT64_C(1795651200000000)},
    {"2026330", INT64_C(1795651200000000)},
    {"2026-330T22:41Z", INT64_C(1795732860000000)},
    {"2024-366", INT64_C(1735603200000000)},
    {"2026-W48-4", INT64_C(1795651200000000)},
    {"2026W484", INT64_C(1795651200000000)},
    {"2026-W48-4T22:41:00Z", INT64_C(1795732860000000)},
    {"2026-W53-7", INT64_C(1798934400000000)},
    {"2025-W01-1", INT64_C(1735516800000000)},
    {"2021-W01-1", INT64_C(1609718400000000)},
    {"2026-11-26T24:00:00Z", INT64_C(1795737600000000)},
    {"2026-11-26T24:00", INT64_C(1795737600000000)},
    {"20261126240000", INT64_C(1795737600000000)},
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
    {"2016-12-31T23:59:60.5Z", INT64_C(1483228800500000)},
    {"19700101", INT64_C(0)},
    {"19991231235959", INT64_C(946684799000000)},
    {"20991231", INT64_C(4102358400000000)},
    {"0001-01-01", INT64_C(-62135596800000000)},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
    {"0000-01-01T00:00:00Z", INT64_C(-62167219200000000)},
    {"\n2026-11-26T22:41:00Z\n", INT64_C(1795732860000000)},
    {"17954119", INT64_C(17954119000000)},
    {"946684800000", INT64_C(946684800000000)},
    {"1795732860", INT64_C(1795732860000000)},
    {"1795732860000", INT64_C(1795732860000000)},
    {"1795732860000000", INT64_C(1795732860000000)},
    {"1795732860000000000", INT64_C(1795732860000000)},
    {"2461371", INT64_C(2461371000000)},
    {"99999999", INT64_C(99999999000000)},
    {"-20261126", INT64_C(-20261126000000)},
    {"0", INT64_C(0)},
    {"-0.5", INT64_C(-500000)},
    {"-62135596800", INT64_C(-62135596800000000)},
    {"253402300799", INT64_C(253402300799000)},
};

static const char *const no_moments[] = {
    "",
    " ",
    "infinity",
    "-infinity",
    "now",
    "20261332",         /* a date that does not exist is no number either */
    "20260230224100",   /* the same */
    "20261126254100",   /* the same */
    "20261126224160.x", /* no fraction */
    "20261126.5",       /* a part of a day */
    "2026000",
    "2026366",
    "2025-366",
    "2026-W54-1",
    "2025-W53-1",
    "2026-W00-1",
    "2026-W48-0",
    "2026-W48-8",
    "2026-W48", /* a week is no moment */
    "2026-11",
    "2026-1126",
    "202611-26",
    "2026-11-26T22",
    "2026-11-26T22:41.5",
    "2026-11-26T24:00:01Z",
    "2026-11-26T24:00:00.5Z",
    "2026-11-26T25:00",
    "2026-11-26T22:60",
    "2026-11-26T22:41:61",
    "2026-11-26T22:41:00+24",
    "2026-11-26T22:41:00+01:60",
    "2026-11-26T22:41:00+1",
    "2026-11-26T22:41:00 CET",
    "2026-11-26T22:41:00Z[Europe/Berlin]",
    "2026-11-26Z",
    "20261126Z",
    "12026-11-26T22:41:00Z",
    "-0044-03-15",
    "0044-03-15 00:00:00+00 BC",
    "9999-12-31T23:59:59-05:00", /* the year 10000 */
    "0000-01-01T00:00:00+01:00", /* before the year 0 */
    "-99999999999",              /* the year -1199 */
    "11/26/2026",
    "26.11.2026",
    "Thu, 26 Nov 2026 22:41:00 GMT",
    "Thu Nov 26 22:41:00 2026",
    "22:41:00",
    "1e9",
    "0x10",
    "+1795732860",
    "1795732860.",
    "1795732860,5",
    ".5",
    "0020261126", /* digits of a date, and zeros that are none of it */
    "99999999999999999999",
    "9223372036854775808",
};

static void test_both_read_what_tables_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        const struct expected *e = &moments[i];
        wall_time fold = {0};
        int64_t oracle = 0;
        if (!wall_parse(e->text, strlen(e->text), NULL, &fold) || fold.us != e->us) {
            fail_msg("the fold reads \"%s\" as %lld", e->text, (long long)fold.us);
        }
        if (!oracle_moment_of_text(str_of(e->text), "UTC", &oracle) || oracle != e->us) {
            fail_msg("the oracle reads \"%s\" as %lld", e->text, (long long)oracle);
        }
    }
}

static void test_both_refuse_what_is_no_moment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_moments / sizeof *no_moments; i++) {
        const char *text = no_moments[i];
        wall_time fold = {42};
        int64_t oracle = 42;
        if (wall_parse(text, strlen(text), NULL, &fold) || fold.us != 42) {
            fail_msg("the fold reads \"%s\" as %lld", text, (long long)fold.us);
        }
        if (oracle_moment_of_text(str_of(text), "UTC", &oracle) || oracle != 42) {
            fail_msg("the oracle reads \"%s\" as %lld", text, (long long)oracle);
        }
    }
}

static void assert_integers_agree(int64_t number, bool good, int64_t us)
{
    wall_time fold = {42};
    int64_t oracle = 42;
    const bool fold_good = wall_from_integer(number, NULL, &fold);
    if (oracle_moment_of_integer(number, "UTC", &oracle) != fold_good || fold.us != oracle) {
        fail_msg("%lld: %lld %lld", (long long)number, (long long)fold.us, (long long)oracle);
    }
    assert_int_equal(fold_good, good);
    assert_int_equal(fold.us, good ? us : 42);
}

/* SQLite makes numbers of such texts in a column that is declared as DATETIME. */
static void test_numbers_that_are_dates(void **state)
{
    (void)state;
    assert_integers_agree(INT64_C(20261126224100), true, INT64_C(1795732860000000));
    assert_integers_agree(20261126, true, INT64_C(1795651200000000));
    assert_integers_agree(20261332, false, 0);
    assert_integers_agree(INT64_C(20261126224100123), true, INT64_C(1795732860123000));
    assert_integers_agree(1795732860, true, INT64_C(1795732860000000));
    assert_integers_agree(INT64_MIN, true, INT64_C(-9223372036854775));
    assert_integers_agree(INT64_MAX, true, INT64_C(9223372036854775));
    assert_integers_agree(INT64_C(-99999999999), false, 0);
    static const double reals[] = {20261126.0,     20261126.5, 20261332.0,  20261126224100.0,
                                   1795732860.25,  -0.25,      2461371.445, 1e300,
                                   -99999999999.0, 0.0};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        wall_time fold = {42};
        int64_t oracle = 42;
        assert_int_equal(wall_from_number(reals[i], NULL, &fold),
                         oracle_moment_of_real(reals[i], "UTC", &oracle));
        assert_int_equal(fold.us, oracle);
    }
    wall_time t;
    assert_true(wall_from_number(20261126.0, NULL, &t));
    assert_int_equal(t.us, INT64_C(1795651200000000));
    assert_false(wall_from_number(20261126.5, NULL, &t));
    assert_false(wall_from_number((double)INFINITY, NULL, &t));
}

static void assert_local(const char *text, const struct zone *zone, const char *name,
                         const char *expected)
{
    wall_time fold = {42};
    wall_time wanted;
    int64_t oracle = 42;
    assert_true(wall_parse(expected, strlen(expected), NULL, &wanted));
    if (!wall_parse(text, strlen(text), zone, &fold) || fold.us != wanted.us ||
        !oracle_moment_of_text(str_of(text), name, &oracle) || oracle != wanted.us) {
        fail_msg("%s in %s: %lld %lld", text, name, (long long)fold.us, (long long)oracle);
    }
}

/* What names no zone is local time. Values of Python's zoneinfo, with fold=0. */
static void test_times_without_a_zone_are_local(void **state)
{
    static const char *const berlin[][2] = {
        {"2026-11-26 22:41:00", "2026-11-26T21:41:00Z"},
        {"2026-07-26 22:41:00.25", "2026-07-26T20:41:00.250Z"},
        {"2026-11-26 22:41:00Z", "2026-11-26T22:41:00Z"},
        {"2026-11-26 22:41:00 UTC", "2026-11-26T22:41:00Z"},
        {"2026-11-26 22:41:00-05", "2026-11-27T03:41:00Z"},
        {"2026-11-26", "2026-11-25T23:00:00Z"},
        {"20260726224100", "2026-07-26T20:41:00Z"},
        {"2026-W48-4T22:41", "2026-11-26T21:41:00Z"},
        {"2026-11-26T24:00", "2026-11-26T23:00:00Z"},
        {"2026-10-25 01:59:59.999999", "2026-10-24T23:59:59.999999Z"},
        {"2026-10-25 02:00:00", "2026-10-25T00:00:00Z"}, /* comes twice */
        {"2026-10-25 02:59:59", "2026-10-25T00:59:59Z"},
        {"2026-10-25 03:00:00", "2026-10-25T02:00:00Z"},
        {"2026-03-29 01:59:59", "2026-03-29T00:59:59Z"},
        {"2026-03-29 02:30:00", "2026-03-29T01:30:00Z"}, /* never comes */
        {"2026-03-29 03:00:00", "2026-03-29T01:00:00Z"},
        {"1795732860", "2026-11-26T22:41:00Z"},
    };
    (void)state;
    struct arena *memory = arena_create();
    const struct zone *zone;
    assert_int_equal(zone_load("Europe/Berlin", memory, &zone, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof berlin / sizeof *berlin; i++) {
        assert_local(berlin[i][0], zone, "Europe/Berlin", berlin[i][1]);
    }
    assert_int_equal(zone_load("Pacific/Apia", memory, &zone, NULL), STATUS_OK);
    assert_local("2011-12-30 12:00", zone, "Pacific/Apia", "2011-12-30T22:00Z"); /* no such day */
    assert_local("2011-12-31 00:00", zone, "Pacific/Apia", "2011-12-30T10:00Z");
    wall_time fold;
    int64_t oracle;
    assert_true(wall_from_integer(INT64_C(20260726224100), zone, &fold));
    assert_true(oracle_moment_of_integer(INT64_C(20260726224100), "Pacific/Apia", &oracle));
    assert_int_equal(fold.us, oracle);
    assert_true(wall_from_number(20260726, zone, &fold));
    assert_true(oracle_moment_of_real(20260726, "Pacific/Apia", &oracle));
    assert_int_equal(fold.us, oracle);
    arena_destroy(&memory);
}

/* Texts that are nearly moments: both read them in the same way, whatever it is. */
static void test_both_agree_on_what_is_nearly_a_moment(void **state)
{
    (void)state;
    static const char bytes[] = "0123456789012345678901:-+.,TtZzW UG";
    unsigned seed = seed_of_run();
    size_t read = 0;
    static const char *const names[] = {"UTC", "Europe/Berlin", "America/St_Johns"};
    const struct zone *zones[3] = {NULL};
    struct arena *memory = arena_create();
    assert_int_equal(zone_load(names[1], memory, &zones[1], NULL), STATUS_OK);
    assert_int_equal(zone_load(names[2], memory, &zones[2], NULL), STATUS_OK);
    for (int round = 0; round < 400000; round++) {
        char text[64];
        const size_t which = (size_t)rand_r(&seed) % (sizeof moments / sizeof *moments);
        snprintf(text, sizeof text, "%s", moments[which].text);
        for (int change = rand_r(&seed) % 3; change >= 0 && text[0] != '\0'; change--) {
            const size_t at = (size_t)rand_r(&seed) % strlen(text);
            const char byte = bytes[(size_t)rand_r(&seed) % (sizeof bytes - 1)];
            if (rand_r(&seed) % 4 != 0) {
                text[at] = byte;
            } else if (rand_r(&seed) % 2 != 0) {
                memmove(text + at, text + at + 1, strlen(text + at));
            } else if (strlen(text) + 2 < sizeof text) {
                memmove(text + at + 1, text + at, strlen(text + at) + 1);
                text[at] = byte;
            }
        }
        wall_time fold = {42};
        int64_t oracle = 42;
        const size_t zone = (size_t)round / 100000 % 3;
        const bool good = wall_parse(text, strlen(text), zones[zone], &fold);
        if (oracle_moment_of_text(str_of(text), names[zone], &oracle) != good ||
            oracle != fold.us) {
            fail_msg("\"%s\" in %s: %lld and %lld", text, names[zone], (long long)fold.us,
                     (long long)oracle);
        }
        read += good;
    }
    arena_destroy(&memory);
    assert_true(read > 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_read_what_tables_hold),
        cmocka_unit_test(test_both_refuse_what_is_no_moment),
        cmocka_unit_test(test_numbers_that_are_dates),
        cmocka_unit_test(test_times_without_a_zone_are_local),
        cmocka_unit_test(test_both_agree_on_what_is_nearly_a_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
