/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number of a row: any double, or any integer of int64, exactly. An integer is held as the double
 * next to it and what is missing then, which is 0 up to 2^53:
 *
 *     9007199254740993  =  9007199254740992.0 + 1
 *
 * Rounding keeps the order, so two numbers compare by `value`, and by `rest` where those are equal.
 * Equal numbers have equal members, however they were written.
 *
 * Pure.
 */
#ifndef INGESTOR_FOLD_NUMBER_H
#define INGESTOR_FOLD_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/json.h"
#include "common/codec/mp.h"

/* Bytes of a text that can be a number; a longer one is none. */
#define NUMBER_TEXT_MAX 1024

struct number {
    double value; /* the nearest double; finite */
    int32_t rest; /* the number - value: -512 to 512; 0 unless it is an integer of int64 */
};

static inline struct number number_of_real(double value)
{
    return (struct number){value, 0};
}

struct number number_of_int(int64_t integer);

/* Reads a whole text as a decimal number: a sign or none, digits with or without a point, an
 * exponent or none; nothing else, not even spaces. False when it is none, or beyond all doubles. An
 * integer that int64 cannot hold becomes the nearest double. */
bool number_of_text(struct str text, struct number *out);

/* A number of JSON. False when it is none, or beyond all doubles. */
bool number_of_json(const struct json_value *value, struct number *out);

static inline bool number_equal(struct number a, struct number b)
{
    return a.value == b.value && a.rest == b.rest;
}

static inline bool number_less(struct number a, struct number b)
{
    return a.value < b.value || (a.value == b.value && a.rest < b.rest);
}

/* Appends the number: an integer that is one exactly, else a double. */
void number_put(struct buf *out, struct number number);

/* Reads what number_put wrote. */
bool number_get(const mp_value *value, struct number *out);

#endif
