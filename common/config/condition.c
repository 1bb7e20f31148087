/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/condition.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time/clock.h"

#define TEXT_MAX 1024 /* bytes of a text to compare with */

struct tile_pattern config_pattern(struct str text)
{
    return (struct tile_pattern){.kind = memchr(text.p, '*', text.len) != NULL ? TILE_PATTERN_GLOB
                                                                               : TILE_PATTERN_TEXT,
                                 .text = text};
}

static int read_text(struct config_reader *r, const char *key, const struct yaml_node *value,
                     const char *what, struct str *out)
{
    const int status = config_scalar(r, value, key, what, out);
    if (status == STATUS_OK && out->len > TEXT_MAX) {
        return config_fail(r, value, key, "a text to compare with is at most %d bytes long",
                           TEXT_MAX);
    }
    return status;
}

/* Without types, what a column holds is compared as text, whatever it looks like. */
static int read_pattern(struct config_reader *r, const char *key, const struct yaml_node *value,
                        bool typed, struct tile_pattern *out)
{
    struct str text;
    const int status = read_text(
        r, key, value, "a text (`*` stands for anything), a number, true or false", &text);
    if (status != STATUS_OK) {
        return status;
    }
    *out = config_pattern(str_of(config_copy(r, text)));
    if (typed && yaml_as_bool(value, &out->boolean)) {
        out->kind = TILE_PATTERN_BOOL;
    } else if (typed && yaml_as_number(value, &out->number)) {
        out->kind = TILE_PATTERN_NUMBER;
    }
    return STATUS_OK;
}

static int read_patterns(struct config_reader *r, const struct yaml_node *value, bool typed,
                         struct tile_condition *condition)
{
    const char *key = value->key->text.p;
    const bool list = value->kind == YAML_LIST;
    int status = list ? config_expect_list(r, value, key, CONFIG_PATTERNS_MAX) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    condition->any = arena_array(r->memory, list ? value->count : 1, sizeof *condition->any);
    for (const struct yaml_node *node = list ? value->first : value; node != NULL;
         node = list ? node->next : NULL) {
        status = read_pattern(r, key, node, typed, &condition->any[condition->any_count++]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* ---- Order ---- */

/* A date or a time as tables hold them; a number of seconds is a number. */
static bool as_time(struct str text, const struct zone *zone, int64_t *out)
{
    wall_time time;
    if (text.len == 0 ||
        (strspn(text.p, "0123456789.+-eE") == text.len && strchr(text.p + 1, '-') == NULL)) {
        return false;
    }
    if (!wall_parse(text.p, text.len, zone, &time)) {
        return false;
    }
    *out = time.us;
    return true;
}

static int read_bound(struct config_reader *r, const char *key, const struct yaml_node *value,
                      struct tile_bound *out)
{
    struct str text;
    bool boolean;
    const int status = read_text(r, key, value, "a number, a time or a text", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (yaml_as_bool(value, &boolean)) {
        return config_fail(r, value, key,
                           "true and false have no order: expected a number, a time or a text");
    }
    *out = (struct tile_bound){.kind = TILE_BOUND_TEXT, .text = str_of(config_copy(r, text))};
    if (yaml_as_number(value, &out->number)) {
        char *end;
        errno = 0;
        const long long integer = strtoll(out->text.p, &end, 10);
        out->kind = TILE_BOUND_NUMBER;
        out->whole = *end == '\0' && errno == 0;
        out->integer = out->whole ? integer : 0;
    } else if (as_time(out->text, r->source->local.zone, &out->time_us)) {
        out->kind = TILE_BOUND_TIME;
        out->zone = r->source->local.zone;
    }
    return STATUS_OK;
}

/* True when the first is above the second, which is of the same kind. */
static bool is_above(const struct tile_bound *a, const struct tile_bound *b)
{
    switch (a->kind) {
    case TILE_BOUND_NUMBER:
        return a->whole && b->whole ? a->integer > b->integer : a->number > b->number;
    case TILE_BOUND_TIME:
        return a->time_us > b->time_us;
    case TILE_BOUND_TEXT:
        break;
    }
    assert(a->text.p != NULL && b->text.p != NULL);
    return strcmp(a->text.p, b->text.p) > 0;
}

/* `between: [5, 10]` is `gte: 5, lte: 10`. */
static int read_between(struct config_reader *r, const struct yaml_node *value,
                        const struct tile_field *field, struct tile_match *match)
{
    const char *key = value->key->text.p;
    struct tile_condition *low = &match->all[match->count];
    struct tile_condition *high = low + 1;
    if (value->kind != YAML_LIST || value->count != 2) {
        return config_expected(r, value, key, "the least and the greatest, such as [5, 10]");
    }
    *low = (struct tile_condition){.test = TILE_TEST_ABOVE_OR_EQUAL, .field = *field};
    *high = (struct tile_condition){.test = TILE_TEST_BELOW_OR_EQUAL, .field = *field};
    match->count += 2;
    int status = read_bound(r, key, value->first, &low->bound);
    if (status == STATUS_OK) {
        status = read_bound(r, key, value->first->next, &high->bound);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (low->bound.kind != high->bound.kind) {
        return config_fail(r, value, key, "expected two numbers, two times or two texts");
    }
    return is_above(&low->bound, &high->bound)
               ? config_fail(r, value, key, "the least comes first: %s is above %s",
                             low->bound.text.p, high->bound.text.p)
               : STATUS_OK;
}

/* ---- Tests ---- */

static const char *const names[] = {"gt", "gte", "lt",     "lte",   "between",
                                    "in", "not", "exists", "absent"};

enum name { GT, GTE, LT, LTE, BETWEEN, IN, NOT, EXISTS, ABSENT };

static int read_presence(struct config_reader *r, const struct yaml_node *value, bool exists,
                         struct tile_condition *condition)
{
    bool boolean;
    if (!yaml_as_bool(value, &boolean)) {
        return config_expected(r, value, value->key->text.p, "true or false");
    }
    condition->test = boolean == exists ? TILE_TEST_EXISTS : TILE_TEST_ABSENT;
    return STATUS_OK;
}

static int read_test(struct config_reader *r, const struct yaml_node *value,
                     const struct tile_field *field, struct tile_match *match)
{
    static const enum tile_test tests[] = {
        [GT] = TILE_TEST_ABOVE,       [GTE] = TILE_TEST_ABOVE_OR_EQUAL,
        [LT] = TILE_TEST_BELOW,       [LTE] = TILE_TEST_BELOW_OR_EQUAL,
        [IN] = TILE_TEST_IN,          [NOT] = TILE_TEST_NOT_IN,
        [BETWEEN] = TILE_TEST_EXISTS, [EXISTS] = TILE_TEST_EXISTS,
        [ABSENT] = TILE_TEST_ABSENT};
    size_t name = 0;
    while (name < COUNT_OF(names) && !str_is(value->key->text, names[name])) {
        name++;
    }
    if (name == COUNT_OF(names)) {
        return config_fail(
            r, value->key, NULL, "%s is no test of a field%s", config_found(r, value->key),
            config_suggest(r, value->key->text, names, COUNT_OF(names), "; known are "));
    }
    if (name == BETWEEN) {
        return read_between(r, value, field, match);
    }
    struct tile_condition *condition = &match->all[match->count++];
    *condition = (struct tile_condition){.test = tests[name], .field = *field};
    if (name == EXISTS || name == ABSENT) {
        return read_presence(r, value, name == EXISTS, condition);
    }
    return name == IN || name == NOT ? read_patterns(r, value, true, condition)
                                     : read_bound(r, names[name], value, &condition->bound);
}

size_t config_condition_count(const struct yaml_node *value)
{
    return value->kind == YAML_MAP ? 2 * value->count : 1;
}

int config_read_condition(struct config_reader *r, const struct yaml_node *value,
                          const struct tile_field *field, struct tile_match *match)
{
    if (value->kind != YAML_MAP) {
        struct tile_condition *condition = &match->all[match->count++];
        *condition = (struct tile_condition){.test = TILE_TEST_LIKE, .field = *field};
        return read_patterns(r, value, field->kind == TILE_FIELD_PAYLOAD, condition);
    }
    const char *key = value->key->text.p;
    if (value->count == 0) {
        return config_fail(r, value, key, "expected a test such as {gt: 5}");
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_test(r, entry, field, match);
    }
    r->context = outer;
    return status;
}
