/* SPDX-License-Identifier: Apache-2.0 */
/* Every unit test includes this, after the header that it tests: cmocka, the headers that cmocka
 * needs before it, an assertion for our text, and what random numbers begin with. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/str.h"

/* Asserts that a struct str is this C string. */
#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        const struct str actual_ = (actual);                                                       \
        const char *expected_ = (expected);                                                        \
        assert_int_equal(actual_.len, strlen(expected_));                                          \
        assert_memory_equal(actual_.p, expected_, actual_.len);                                    \
    } while (0)

/* What a test's random numbers begin with; also told in its output. It is the same in every run, so
 * that a tree which passed once passes again. TILEWIRE_SEED gives another one, and scripts/test
 * --all one that was not tried yet. */
static inline unsigned seed_of_run(void)
{
    const char *given = getenv("TILEWIRE_SEED");
    const unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 1;
    print_message("TILEWIRE_SEED=%u\n", seed);
    return seed;
}

/* How many random histories a test lives through, each with the next seed: TILEWIRE_RUNS, where it
 * is set. TILEWIRE_SEED=n TILEWIRE_RUNS=1 is that of seed n alone. */
static inline unsigned runs_of_run(unsigned usual)
{
    const char *given = getenv("TILEWIRE_RUNS");
    return given != NULL ? (unsigned)strtoul(given, NULL, 10) : usual;
}

#endif
