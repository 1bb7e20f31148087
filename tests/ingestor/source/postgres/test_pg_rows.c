/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_rows.h"

#include <endian.h>

#include "tests/unit.h"

#define YEAR_2000_US INT64_C(946684800000000)
#define YEAR_0_US INT64_C(-62167219200000000)
#define YEAR_10000_US INT64_C(253402300800000000)

/* A row of an id and of a timestamp as PostgreSQL sends it: µs since 2000. */
static PGresult *row_of(int64_t us)
{
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char id[] = "id";
    char timestamp[] = "timestamp";
    PGresAttDesc columns[] = {{.name = id, .format = 1}, {.name = timestamp, .format = 1}};
    uint64_t big[] = {htobe64(1), htobe64((uint64_t)us)};
    assert_int_equal(PQsetResultAttrs(rows, 2, columns), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(PQsetvalue(rows, 0, i, (char *)&big[i], sizeof big[i]), 1);
    }
    return rows;
}

/* PostgreSQL's calendar goes from 4713 BC to the year 294276, of which the last microsecond is
 * beyond int64_t once it is counted from 1970; and there is infinity. */
static void moments_outside_the_years_0_to_9999_are_unusable(void **state)
{
    (void)state;
    static const struct config config;
    struct postgres_source source = {.config = &config, .table.timestamp_binary = true};
    static const struct {
        int64_t us;
        bool usable;
    } cases[] = {
        {0, true},
        {YEAR_10000_US - 1 - YEAR_2000_US, true},
        {YEAR_10000_US - YEAR_2000_US, false},
        {YEAR_0_US - YEAR_2000_US, true},
        {YEAR_0_US - 1 - YEAR_2000_US, false},
        {INT64_C(9223371331199999999), false}, /* 294276-12-31 23:59:59.999999 */
        {INT64_C(-211813488000000000), false}, /* 4713-01-01 BC */
        {INT64_MAX, false},
        {INT64_MIN, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wall_time time = {0};
        PGresult *rows = row_of(cases[i].us);
        assert_int_equal(pg_row_time(&source, rows, 0, &time), cases[i].usable);
        if (cases[i].usable) {
            assert_true(time.us == cases[i].us + YEAR_2000_US);
        }
        PQclear(rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_outside_the_years_0_to_9999_are_unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
