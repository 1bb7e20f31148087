/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones, each against the C library, which reads the same files by code of its own. */
#include "common/base/time/zone.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone_spans.h"
#include "tests/unit.h"

#define MINUTE 60
#define HOUR 3600
#define AROUND_MAX (72 * HOUR / MINUTE) /* minutes that are tried around a change of the clock */

static struct arena *memory;

static int set_up(void **state)
{
    (void)state;
    memory = arena_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(&memory);
    return 0;
}

/* Loads a zone, and makes it the C library's, too. */
static const struct zone *use(const char *name)
{
    const struct zone *zone = NULL;
    struct error err = {{0}};
    char text[300];
    if (zone_load(name, memory, &zone, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    snprintf(text, sizeof text, ":%s", name);
    setenv("TZ", text, 1);
    tzset();
    return zone;
}

static int64_t libc_local_s(int64_t s)
{
    const time_t t = s;
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    return s + tm.tm_gmtoff;
}

static void check_instant(const char *name, const struct zone *zone, int64_t s)
{
    const int64_t local_us = zone_local_us(zone, s * US_PER_S + 7);
    if (local_us != libc_local_s(s) * US_PER_S + 7) {
        fail_msg("%s at %lld: %lld and not %lld", name, (long long)s, (long long)local_us,
                 (long long)libc_local_s(s));
    }
}

/* Random instants of the years 1900 to 2600, and those around random changes of the clock. */
static void check_local_times(const char *name, unsigned *seed)
{
    const struct zone *zone = use(name);
    for (int i = 0; i < 300; i++) {
        const int64_t day = civil_days(1900, 1, 1) + rand_r(seed) % (700 * 365);
        check_instant(name, zone, day * 86400 + rand_r(seed) % 86400);
        const int64_t change_us = zone->spans[(unsigned)rand_r(seed) % zone->count].from_us;
        if (change_us > civil_days(1900, 1, 1) * US_PER_DAY) {
            check_instant(name, zone, change_us / US_PER_S - 1);
            check_instant(name, zone, change_us / US_PER_S);
            check_instant(name, zone, change_us / US_PER_S + 1);
        }
    }
}

/* Debian has had old names of zones in a package of their own since version 13. */
static bool is_installed(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    return access(path, F_OK) == 0;
}

static void test_the_local_time_of_each_zone_is_that_of_the_c_library(void **state)
{
    (void)state;
    unsigned seed = 1;
    size_t zones = 0;
    FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    assert_non_null(list);
    char line[512];
    char name[256];
    char alias[256];
    while (fgets(line, sizeof line, list) != NULL) {
        /* "Z NAME …" begins a zone, and "L ZONE NAME" is another name of one. */
        if (sscanf(line, "Z %255s", name) == 1) {
            check_local_times(name, &seed);
            zones++;
        } else if (sscanf(line, "L %255s %255s", name, alias) == 2 && is_installed(alias)) {
            check_local_times(alias, &seed);
            zones++;
        }
    }
    fclose(list);
    assert_true(zones > 300);
}

/* What the C library's clock shows at each minute around a change. */
struct minutes {
    int64_t first_s;
    int64_t shown_s[AROUND_MAX];
};

/* The first of these minutes at which the clock shows that time, or also a later one. INT64_MAX:
 * there is none. */
static int64_t first_showing(const struct minutes *m, int64_t local_s, bool or_later)
{
    for (int64_t i = 0; i < AROUND_MAX; i++) {
        if (m->shown_s[i] == local_s || (or_later && m->shown_s[i] > local_s)) {
            return m->first_s + i * MINUTE;
        }
    }
    return INT64_MAX;
}

/* Each quarter of an hour around a change of the clock, against what is found by trying. */
static void check_change(const char *name, const struct zone *zone, int64_t at_s)
{
    static struct minutes m;
    const int64_t before_s = libc_local_s(at_s - 1) + 1 - at_s; /* the offset until then */
    const int64_t after_s = libc_local_s(at_s) - at_s;
    m.first_s = at_s - AROUND_MAX / 2 * MINUTE;
    for (int64_t i = 0; i < AROUND_MAX; i++) {
        m.shown_s[i] = libc_local_s(m.first_s + i * MINUTE);
    }
    const int64_t low = at_s + (before_s < after_s ? before_s : after_s) - 2 * HOUR;
    const int64_t high = at_s + (before_s < after_s ? after_s : before_s) + 2 * HOUR;
    for (int64_t local = low; local < high; local += 15 * MINUTE) {
        const int64_t exact = first_showing(&m, local, false);
        const int64_t expected = exact != INT64_MAX ? exact : local - before_s;
        const int64_t instant = zone_instant_us(zone, local * US_PER_S);
        const int64_t first = zone_first_us(zone, local * US_PER_S);
        if (instant != expected * US_PER_S || first != first_showing(&m, local, true) * US_PER_S) {
            fail_msg("%s: local %lld is %lld, first at %lld, and by trying %lld and %lld", name,
                     (long long)local, (long long)instant, (long long)first, (long long)expected,
                     (long long)first_showing(&m, local, true));
        }
    }
}

static void test_the_instant_of_a_local_time_is_the_first_that_is_found_by_trying(void **state)
{
    /* Changes by half an hour, at midnight, over midnight, by a day, with a negative summer time,
     * by moon, by two hours. */
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe", "Pacific/Apia",
        "America/St_Johns", "America/Havana",    "Africa/Casablanca",   "Europe/Dublin",
        "Asia/Gaza",        "America/Sao_Paulo", "Antarctica/Troll",    "Asia/Kathmandu"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct zone *zone = use(names[i]);
        for (size_t k = 0; k < zone->count; k++) {
            const int64_t at_s = zone->spans[k].from_us / US_PER_S;
            if (at_s > civil_days(1970, 1, 2) * 86400 && at_s < civil_days(2090, 1, 1) * 86400) {
                check_change(names[i], zone, at_s);
            }
        }
    }
}

/* Values of Python's zoneinfo, with fold=0. */
static void test_a_time_that_comes_twice_is_the_first_and_one_that_never_comes_goes_on(void **state)
{
    (void)state;
    const struct zone *zone = use("Europe/Berlin");
    const int64_t hour = HOUR * US_PER_S;
    const int64_t twice = civil_days(2026, 10, 25) * US_PER_DAY + 5 * hour / 2; /* 02:30 */
    const int64_t never = civil_days(2026, 3, 29) * US_PER_DAY + 5 * hour / 2;
    assert_int_equal(zone_instant_us(zone, twice), twice - 2 * hour);
    assert_int_equal(zone_first_us(zone, twice), twice - 2 * hour);
    assert_int_equal(zone_instant_us(zone, never), never - hour);       /* 03:30 of summer time */
    assert_int_equal(zone_first_us(zone, never), never - 3 * hour / 2); /* 03:00 */
    assert_int_equal(zone_instant_us(zone, twice - 2 * hour), twice - 4 * hour);
    assert_int_equal(zone_instant_us(zone, twice + hour), twice);
}

static void test_the_rule_of_a_zone_holds_for_ever(void **state)
{
    (void)state;
    const struct zone *zone = use("Europe/Berlin");
    for (int64_t year = 2400; year <= 9999; year += 133) {
        const int64_t january = civil_days(year, 1, 15) * US_PER_DAY;
        const int64_t july = civil_days(year, 7, 15) * US_PER_DAY;
        assert_int_equal(zone_local_us(zone, january) - january, HOUR * US_PER_S);
        assert_int_equal(zone_local_us(zone, july) - july, 2 * HOUR * US_PER_S);
        assert_int_equal(zone_instant_us(zone, july), july - 2 * HOUR * US_PER_S);
        assert_int_equal(zone_first_us(zone, january), january - HOUR * US_PER_S);
    }
}

static void test_no_zone_is_utc(void **state)
{
    (void)state;
    assert_int_equal(zone_local_us(NULL, 42), 42);
    assert_int_equal(zone_instant_us(NULL, 42), 42);
    assert_int_equal(zone_first_us(NULL, 42), 42);
}

static void test_what_is_no_name_of_a_zone_is_refused(void **state)
{
    static const char *const names[] = {"Europe/Berln",    "",       "/etc/passwd",
                                        "../zoneinfo/UTC", "Europe", "tzdata.zi",
                                        "Europe/Berlin\n", "CEST+"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct zone *zone;
        struct error err = {{0}};
        assert_int_equal(zone_load(names[i], memory, &zone, &err), STATUS_NOT_FOUND);
        assert_non_null(strstr(err.text, "there is no time zone"));
    }
    setenv("TZDIR", "/nowhere", 1);
    const struct zone *zone;
    struct error err = {{0}};
    assert_int_equal(zone_load("Europe/Berlin", memory, &zone, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.text, "there is no database of time zones in /nowhere; install the "
                                  "package tzdata");
    unsetenv("TZDIR");
}

/* A damaged file is refused, or read as some zone; it is never read beyond its end. */
static void test_a_damaged_file_is_no_harm(void **state)
{
    (void)state;
    unsigned char good[8192];
    FILE *file = fopen("/usr/share/zoneinfo/America/New_York", "r");
    assert_non_null(file);
    const size_t len = fread(good, 1, sizeof good, file);
    fclose(file);
    unsigned seed = 1;
    size_t refused = 0;
    for (int i = 0; i < 3000; i++) {
        const size_t cut = i % 2 == 0 ? len : (unsigned)rand_r(&seed) % len;
        unsigned char *bad = malloc(cut + 1); /* its own memory, so that a sanitizer sees its end */
        assert_non_null(bad);
        memcpy(bad, good, cut);
        for (int k = 0; i % 2 == 0 && k < 3; k++) {
            bad[(unsigned)rand_r(&seed) % cut] = (unsigned char)rand_r(&seed);
        }
        struct zone zone = {0};
        struct error err = {{0}};
        struct arena *own = arena_create();
        zone.last = arena_alloc(own, sizeof *zone.last);
        if (zone_read(bad, cut, own, &zone, &err) == STATUS_OK) {
            const int64_t us = rand_r(&seed) * US_PER_S;
            assert_true(llabs(zone_local_us(&zone, us) - us) <= ZONE_OFFSET_MAX_US);
            assert_true(llabs(zone_instant_us(&zone, us) - us) <= ZONE_OFFSET_MAX_US);
        } else {
            refused++;
        }
        arena_destroy(&own);
        free(bad);
    }
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_local_time_of_each_zone_is_that_of_the_c_library),
        cmocka_unit_test(test_the_instant_of_a_local_time_is_the_first_that_is_found_by_trying),
        cmocka_unit_test(
            test_a_time_that_comes_twice_is_the_first_and_one_that_never_comes_goes_on),
        cmocka_unit_test(test_the_rule_of_a_zone_holds_for_ever),
        cmocka_unit_test(test_no_zone_is_utc),
        cmocka_unit_test(test_what_is_no_name_of_a_zone_is_refused),
        cmocka_unit_test(test_a_damaged_file_is_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
