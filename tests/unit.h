/* SPDX-License-Identifier: Apache-2.0 */
/* Every unit test includes this, after the header that it tests: cmocka, the headers that cmocka
 * needs before it, and an assertion for our text. */
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

#endif
