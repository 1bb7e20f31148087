/* SPDX-License-Identifier: Apache-2.0 */
/* Local times: the oracle, which finds them by trying, against the ingestor's reading of zones. */
#include "ctl/oracle/zone.h"

#include <stdio.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone.h"
#include "common/base/time/zone_spans.h"
#include "tests/unit.h"

#define HOUR INT64_C(3600)

static void check_local(const char *name, const struct zone *zone, int64_t local_s)
{
    const int64_t local_us = local_s * US_PER_S + 7;
    const int64_t instant = zone_instant_us(zone, local_us);
    const int64_t first = zone_first_us(zone, local_s * US_PER_S);
    if (oracle_zone_instant_us(name, local_us) != instant ||
        oracle_zone_begin_s(name, local_s) * US_PER_S != first ||
        oracle_zone_shown(name, first / US_PER_S) * US_PER_S != zone_local_us(zone, first)) {
        fail_msg("%s at local %lld: %lld and %lld, first %lld and %lld", name, (long long)local_s,
                 (long long)instant, (long long)oracle_zone_instant_us(name, local_us),
                 (long long)first, (long long)oracle_zone_begin_s(name, local_s));
    }
}

/* Around random changes of the clock since 1900, and anywhere until 2600. */
static void check_zone(const char *name, struct arena *memory, unsigned *seed)
{
    const struct zone *zone = NULL;
    assert_int_equal(zone_load(name, memory, &zone, NULL), STATUS_OK);
    for (int i = 0; i < 60; i++) {
        const int64_t change_us = zone->spans[(unsigned)rand_r(seed) % zone->count].from_us;
        if (change_us > civil_days(1900, 1, 1) * US_PER_DAY) {
            const int64_t near_s = rand_r(seed) % (8 * HOUR) - 4 * HOUR;
            check_local(name, zone, zone_local_us(zone, change_us) / US_PER_S + near_s);
        }
        const int64_t day = civil_days(1900, 1, 1) + rand_r(seed) % (700 * 365);
        check_local(name, zone, day * 86400);
        check_local(name, zone, day * 86400 + rand_r(seed) % 86400);
    }
}

static void test_both_agree_in_all_zones(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    assert_non_null(list);
    struct arena *memory = arena_create();
    char line[512];
    char name[256];
    size_t zones = 0;
    while (fgets(line, sizeof line, list) != NULL) {
        if (sscanf(line, "Z %255s", name) == 1) {
            check_zone(name, memory, &seed);
            zones++;
        }
    }
    arena_destroy(&memory);
    fclose(list);
    assert_true(zones > 200);
}

static void test_utc_is_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(oracle_zone_instant_us("UTC", 42), 42);
    assert_int_equal(oracle_zone_begin_s("UTC", 42), 42);
    assert_int_equal(oracle_zone_shown("UTC", 42), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_agree_in_all_zones),
        cmocka_unit_test(test_utc_is_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
