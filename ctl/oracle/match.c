/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/match.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/moment.h"

#define NUMBER_TEXT_MAX 1024 /* bytes; longer text is no number */

/*
 * reached[j] is true when the first j bytes of the pattern can stand for the text read so far. Each
 * byte of the text makes the next row from the one before:
 *
 *     pattern a*b    ""   a   *   b
 *     (nothing)       x
 *     a                   x   x
 *     ax                      x
 *     axb                     x   x      the last one is reached: axb fits
 */
bool oracle_glob(struct str pattern, struct str text)
{
    bool *reached = x_calloc(2 * (pattern.len + 1), sizeof *reached);
    bool *next = reached + pattern.len + 1;
    bool *const memory = reached;
    reached[0] = true;
    for (size_t j = 0; j < pattern.len && pattern.p[j] == '*'; j++) {
        reached[j + 1] = true;
    }
    for (size_t i = 0; i < text.len; i++) {
        next[0] = false;
        for (size_t j = 0; j < pattern.len; j++) {
            next[j + 1] = pattern.p[j] == '*' ? next[j] || reached[j + 1]
                                              : reached[j] && pattern.p[j] == text.p[i];
        }
        bool *const swapped = reached;
        reached = next;
        next = swapped;
    }
    const bool fits_all = reached[pattern.len];
    free(memory);
    return fits_all;
}

/* Reads text that is a decimal number and nothing else. */
static bool number_in(struct str text, long double *out)
{
    char copy[NUMBER_TEXT_MAX + 1];
    char *end;
    if (text.len == 0 || text.len > NUMBER_TEXT_MAX) {
        return false;
    }
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "0123456789.eE+-") != text.len) {
        return false; /* strtod takes more: blanks, "0x10", "nan" */
    }
    const double real = strtod(copy, &end);
    if (*end != '\0' || !isfinite(real)) {
        return false;
    }
    *out = real;
    errno = 0;
    const long long integer = strtoll(copy, &end, 10);
    if (*end == '\0' && errno == 0) {
        *out = integer;
    }
    return true;
}

static bool fits_number(const struct tile_pattern *pattern, const struct oracle_value *value)
{
    long double wanted;
    switch (value->kind) {
    case ORACLE_INTEGER:
        return number_in(pattern->text, &wanted) && fabsl(wanted - value->integer) <= 0;
    case ORACLE_LONG:
        return strcspn(pattern->text.p, ".eE") == pattern->text.len
                   ? str_equal(pattern->text, value->text)
                   : fabs(value->real - pattern->number) <= 0;
    case ORACLE_REAL:
        return number_in(pattern->text, &wanted) && fabsl(wanted - value->real) <= 0;
    case ORACLE_ABSENT:
    case ORACLE_TEXT:
    case ORACLE_BOOL:
        break;
    }
    return false;
}

static bool fits(const struct tile_pattern *pattern, const struct oracle_value *value)
{
    switch (pattern->kind) {
    case TILE_PATTERN_TEXT:
        return value->kind == ORACLE_TEXT && str_equal(pattern->text, value->text);
    case TILE_PATTERN_GLOB:
        return value->kind == ORACLE_TEXT && oracle_glob(pattern->text, value->text);
    case TILE_PATTERN_NUMBER:
        return fits_number(pattern, value);
    case TILE_PATTERN_BOOL:
        return value->kind == ORACLE_BOOL && (value->integer != 0) == pattern->boolean;
    }
    return false;
}

const struct oracle_value *oracle_row_value(const struct oracle_rows *rows, size_t row,
                                            const struct tile_field *field)
{
    return oracle_value(rows, oracle_cell(rows, row, oracle_field(rows, field)));
}

/* `in` and `not`: patterns have types for texts, too. */
static bool fits_typed(const struct tile_pattern *pattern, const struct oracle_value *value,
                       bool column)
{
    static const char *const words[2][3] = {{"false", "f", "0"}, {"true", "t", "1"}};
    long double wanted;
    long double number;
    if (value->kind != ORACLE_TEXT) {
        return fits(pattern, value);
    }
    if (pattern->kind == TILE_PATTERN_NUMBER) {
        return number_in(pattern->text, &wanted) && number_in(value->text, &number) &&
               fabsl(wanted - number) <= 0;
    }
    if (pattern->kind != TILE_PATTERN_BOOL) {
        return fits(pattern, value);
    }
    for (size_t i = 0; i < 3 && column; i++) {
        if (str_is(value->text, words[pattern->boolean][i])) {
            return true;
        }
    }
    return false;
}

/* Sets *out to -1, 0 or 1: how the value stands to what it is compared with. False when it is
 * nothing of that kind. */
static bool stands(const struct oracle_rows *rows, size_t row,
                   const struct tile_condition *condition, const struct oracle_value *value,
                   int *out)
{
    const struct tile_bound *bound = &condition->bound;
    const struct config *config = oracle_rows_config(rows);
    long double wanted;
    long double number;
    int64_t us;
    switch (bound->kind) {
    case TILE_BOUND_NUMBER:
        if (!number_in(bound->text, &wanted) || !oracle_as_number(value, &number)) {
            return false;
        }
        *out = number < wanted ? -1 : number > wanted;
        return true;
    case TILE_BOUND_TIME:
        if (!oracle_moment(value, config->sources[oracle_row_source(rows, row)].local.time_zone,
                           &us)) {
            return false;
        }
        *out = us < bound->time_us ? -1 : us > bound->time_us;
        return true;
    case TILE_BOUND_TEXT:
        break;
    }
    if (value->kind != ORACLE_TEXT) {
        return false;
    }
    size_t at = 0;
    while (at < value->text.len && at < bound->text.len && value->text.p[at] == bound->text.p[at]) {
        at++;
    }
    const int a = at < value->text.len ? (unsigned char)value->text.p[at] : -1;
    const int b = at < bound->text.len ? (unsigned char)bound->text.p[at] : -1;
    *out = a < b ? -1 : a > b;
    return true;
}

static bool fits_one(const struct tile_condition *condition, const struct oracle_value *value)
{
    const bool column = condition->field.kind != TILE_FIELD_PAYLOAD;
    for (size_t i = 0; i < condition->any_count; i++) {
        if (condition->test == TILE_TEST_LIKE ? fits(&condition->any[i], value)
                                              : fits_typed(&condition->any[i], value, column)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct oracle_rows *rows, size_t row,
                  const struct tile_condition *condition)
{
    if (condition->test == TILE_TEST_ANY) {
        for (size_t i = 0; i < condition->either_count; i++) {
            if (oracle_matches(rows, row, &condition->either[i])) {
                return true;
            }
        }
        return false;
    }
    if (condition->test == TILE_TEST_EXISTS || condition->test == TILE_TEST_ABSENT) {
        return oracle_row_has(rows, row, &condition->field) ==
               (condition->test == TILE_TEST_EXISTS);
    }
    const struct oracle_value *value = oracle_row_value(rows, row, &condition->field);
    int order = 0;
    switch (condition->test) {
    case TILE_TEST_LIKE:
    case TILE_TEST_IN:
        return fits_one(condition, value);
    case TILE_TEST_NOT_IN:
        return value->kind != ORACLE_ABSENT && !fits_one(condition, value);
    case TILE_TEST_ABOVE:
        return stands(rows, row, condition, value, &order) && order > 0;
    case TILE_TEST_ABOVE_OR_EQUAL:
        return stands(rows, row, condition, value, &order) && order >= 0;
    case TILE_TEST_BELOW:
        return stands(rows, row, condition, value, &order) && order < 0;
    case TILE_TEST_BELOW_OR_EQUAL:
        return stands(rows, row, condition, value, &order) && order <= 0;
    case TILE_TEST_EXISTS:
    case TILE_TEST_ABSENT:
    case TILE_TEST_ANY:
        break;
    }
    return false;
}

bool oracle_matches(const struct oracle_rows *rows, size_t row, const struct tile_match *match)
{
    for (size_t i = 0; i < match->count; i++) {
        if (!holds(rows, row, &match->all[i])) {
            return false;
        }
    }
    return true;
}

bool oracle_as_number(const struct oracle_value *value, long double *out)
{
    switch (value->kind) {
    case ORACLE_INTEGER:
        *out = value->integer;
        return true;
    case ORACLE_LONG:
    case ORACLE_REAL:
        *out = value->real;
        return isfinite(value->real);
    case ORACLE_TEXT:
        return number_in(value->text, out);
    case ORACLE_ABSENT:
    case ORACLE_BOOL:
        break;
    }
    return false;
}

bool oracle_moment(const struct oracle_value *value, const char *zone, int64_t *out)
{
    switch (value->kind) {
    case ORACLE_INTEGER:
        return oracle_moment_of_integer(value->integer, zone, out);
    case ORACLE_LONG:
    case ORACLE_REAL:
        return oracle_moment_of_real(value->real, zone, out);
    case ORACLE_TEXT:
        return oracle_moment_of_text(value->text, zone, out);
    case ORACLE_ABSENT:
    case ORACLE_BOOL:
        break;
    }
    return false;
}

bool oracle_is_metric(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    const struct oracle_value *type = oracle_row_value(rows, row, &oracle_field_type);
    const struct oracle_value *name = oracle_row_value(rows, row, &oracle_field_metric);
    long double number;
    const struct config *config = oracle_rows_config(rows);
    return str_is(type->text, config->sources[oracle_row_source(rows, row)].metric_event) &&
           name->kind == ORACLE_TEXT && str_is(name->text, tile->metric) &&
           oracle_matches(rows, row, &tile->labels) &&
           oracle_as_number(oracle_row_value(rows, row, &oracle_field_value), &number);
}

bool oracle_state(const struct oracle_rows *rows, size_t row, const struct tile_config *tile,
                  int *out)
{
    const struct oracle_value *type = oracle_row_value(rows, row, &oracle_field_type);
    for (size_t i = 0; i < tile->rule_count; i++) {
        if (fits(&tile->rules[i].event_type, type)) {
            *out = tile->rules[i].state;
            return true;
        }
    }
    return false;
}

long double oracle_row_number(const struct oracle_rows *rows, size_t row,
                              const struct tile_config *tile)
{
    const struct tile_field *field = tile->metric != NULL ? &oracle_field_value : &tile->value;
    long double number = 0;
    if (field->kind != TILE_FIELD_NONE) {
        (void)oracle_as_number(oracle_row_value(rows, row, field), &number);
    }
    return number;
}
