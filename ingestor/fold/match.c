/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/match.h"

#include <string.h>

#include "common/base/time/clock.h"
#include "ingestor/fold/number.h"

bool match_fits_text(const struct tile_pattern *pattern, struct str text)
{
    switch (pattern->kind) {
    case TILE_PATTERN_TEXT:
        return str_equal(pattern->text, text);
    case TILE_PATTERN_GLOB:
        return str_glob(pattern->text, text);
    case TILE_PATTERN_NUMBER:
    case TILE_PATTERN_BOOL:
        break;
    }
    return false;
}

/* ---- Patterns ---- */

/* Numbers with equal doubles: true unless they are different integers, which happens from 2^53 on.
 */
static bool is_same_integer(const struct tile_pattern *pattern, struct str digits,
                            struct number number)
{
    struct number wanted;
    if (number.value > -0x1p53 && number.value < 0x1p53) {
        return true;
    }
    if (digits.p != NULL && strpbrk(pattern->text.p, ".eE") == NULL) {
        return str_equal(pattern->text, digits);
    }
    return number_of_text(pattern->text, &wanted) && number_equal(wanted, number);
}

static bool pattern_fits_json(const struct tile_pattern *pattern, const struct json_value *value)
{
    struct str text;
    struct number number;
    bool boolean;
    if (json_as_str(value, &text)) {
        return match_fits_text(pattern, text);
    }
    if (json_as_bool(value, &boolean)) {
        return pattern->kind == TILE_PATTERN_BOOL && pattern->boolean == boolean;
    }
    struct str digits = STR_NULL;
    (void)json_as_digits(value, &digits);
    return pattern->kind == TILE_PATTERN_NUMBER && number_of_json(value, &number) &&
           pattern->number == number.value && is_same_integer(pattern, digits, number);
}

/* As databases write them as text. */
static bool text_is_boolean(struct str text, bool boolean)
{
    return boolean ? str_is(text, "true") || str_is(text, "t") || str_is(text, "1")
                   : str_is(text, "false") || str_is(text, "f") || str_is(text, "0");
}

/* The patterns of an `in` have types also where the value is a text; in a column, where all is
 * text, booleans are those of the database. */
static bool typed_fits_text(const struct tile_pattern *pattern, struct str text, bool column)
{
    struct number number;
    switch (pattern->kind) {
    case TILE_PATTERN_TEXT:
    case TILE_PATTERN_GLOB:
        return match_fits_text(pattern, text);
    case TILE_PATTERN_NUMBER:
        return number_of_text(text, &number) && pattern->number == number.value &&
               is_same_integer(pattern, STR_NULL, number);
    case TILE_PATTERN_BOOL:
        break;
    }
    return column && text_is_boolean(text, pattern->boolean);
}

/* ---- Tests ---- */

static bool order_passes(enum tile_test test, int order)
{
    switch (test) {
    case TILE_TEST_ABOVE:
        return order > 0;
    case TILE_TEST_ABOVE_OR_EQUAL:
        return order >= 0;
    case TILE_TEST_BELOW:
        return order < 0;
    case TILE_TEST_BELOW_OR_EQUAL:
        return order <= 0;
    case TILE_TEST_LIKE:
    case TILE_TEST_IN:
    case TILE_TEST_NOT_IN:
    case TILE_TEST_EXISTS:
    case TILE_TEST_ABSENT:
    case TILE_TEST_ANY:
        break;
    }
    return false;
}

static bool number_passes(const struct tile_condition *condition, struct number number)
{
    const struct tile_bound *bound = &condition->bound;
    const struct number with =
        bound->whole ? number_of_int(bound->integer) : number_of_real(bound->number);
    return order_passes(condition->test, number_less(number, with)   ? -1
                                         : number_less(with, number) ? 1
                                                                     : 0);
}

static bool time_passes(const struct tile_condition *condition, wall_time time)
{
    const int64_t with_us = condition->bound.time_us;
    return order_passes(condition->test, (time.us > with_us) - (time.us < with_us));
}

/* By their bytes. */
static int order_of_texts(struct str a, struct str b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common != 0 ? memcmp(a.p, b.p, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool text_passes(const struct tile_condition *condition, struct str text)
{
    const struct tile_bound *bound = &condition->bound;
    struct number number;
    wall_time time;
    switch (bound->kind) {
    case TILE_BOUND_NUMBER:
        return number_of_text(text, &number) && number_passes(condition, number);
    case TILE_BOUND_TIME:
        return wall_parse(text.p, text.len, bound->zone, &time) && time_passes(condition, time);
    case TILE_BOUND_TEXT:
        break;
    }
    return order_passes(condition->test, order_of_texts(text, bound->text));
}

static bool json_passes(const struct tile_condition *condition, const struct json_value *value)
{
    const struct tile_bound *bound = &condition->bound;
    struct str text;
    struct number number;
    int64_t integer;
    double real;
    wall_time time;
    if (json_as_str(value, &text)) {
        return text_passes(condition, text);
    }
    switch (bound->kind) {
    case TILE_BOUND_NUMBER:
        return number_of_json(value, &number) && number_passes(condition, number);
    case TILE_BOUND_TIME:
        return (json_as_int(value, &integer)   ? wall_from_integer(integer, bound->zone, &time)
                : json_as_number(value, &real) ? wall_from_number(real, bound->zone, &time)
                                               : false) &&
               time_passes(condition, time);
    case TILE_BOUND_TEXT:
        break;
    }
    return false;
}

bool match_holds_text(const struct tile_condition *condition, struct str text)
{
    if (text.p == NULL || condition->test == TILE_TEST_ABSENT) {
        return text.p == NULL && condition->test == TILE_TEST_ABSENT;
    }
    if (condition->test == TILE_TEST_EXISTS) {
        return true;
    }
    if (condition->any_count == 0) {
        return text_passes(condition, text);
    }
    for (size_t i = 0; i < condition->any_count; i++) {
        const struct tile_pattern *pattern = &condition->any[i];
        if (condition->test == TILE_TEST_LIKE ? match_fits_text(pattern, text)
                                              : typed_fits_text(pattern, text, true)) {
            return condition->test != TILE_TEST_NOT_IN;
        }
    }
    return condition->test == TILE_TEST_NOT_IN;
}

/* True for a text, a number, true and false: what patterns can be compared with. */
static bool is_scalar(const struct json_value *value)
{
    return value != NULL && !json_absent(value) && !json_is_map(value) && !json_is_list(value);
}

bool match_holds_json(const struct tile_condition *condition, const struct json_value *value)
{
    const bool there = !json_absent(value) && !json_is_unusable(value);
    struct str text;
    if (!there || condition->test == TILE_TEST_ABSENT) {
        return !there && condition->test == TILE_TEST_ABSENT;
    }
    if (condition->test == TILE_TEST_EXISTS) {
        return true;
    }
    if (condition->any_count == 0) {
        return json_passes(condition, value);
    }
    const bool typed = condition->test != TILE_TEST_LIKE && json_as_str(value, &text);
    for (size_t i = 0; i < condition->any_count; i++) {
        const struct tile_pattern *pattern = &condition->any[i];
        if (typed ? typed_fits_text(pattern, text, false) : pattern_fits_json(pattern, value)) {
            return condition->test != TILE_TEST_NOT_IN;
        }
    }
    return condition->test == TILE_TEST_NOT_IN && is_scalar(value);
}

/* ---- Types of events ---- */

static bool condition_admits_type(const struct tile_condition *condition, struct str event_type)
{
    if (condition->test != TILE_TEST_ANY) {
        return condition->field.kind != TILE_FIELD_EVENT_TYPE ||
               match_holds_text(condition, event_type);
    }
    for (size_t i = 0; i < condition->either_count; i++) {
        if (match_admits_type(&condition->either[i], event_type)) {
            return true;
        }
    }
    return false;
}

bool match_admits_type(const struct tile_match *match, struct str event_type)
{
    for (size_t i = 0; i < match->count; i++) {
        if (!condition_admits_type(&match->all[i], event_type)) {
            return false;
        }
    }
    return true;
}
