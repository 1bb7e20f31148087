/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/table.h"

#include "common/base/xalloc.h"

/* A value in the table, found by its kind and its text, which together are unique. */
struct oracle_known {
    uint32_t index;
    UT_hash_handle by_name;
    char name[]; /* the kind as one byte, then the text, NUL-terminated */
};

static uint32_t add_value(struct oracle_values *values, struct oracle_value value)
{
    if (values->count == values->cap) {
        values->cap = values->cap != 0 ? 2 * values->cap : 256;
        values->list = x_reallocarray(values->list, values->cap, sizeof *values->list);
    }
    values->list[values->count] = value;
    return (uint32_t)values->count++;
}

/* Returns the index of a value, which is added when it is new. */
uint32_t oracle_values_add(struct oracle_values *values, struct oracle_value value)
{
    struct buf name = {0};
    buf_append_char(&name, (char)value.kind);
    buf_append_str(&name, value.text);
    struct oracle_known *known;
    HASH_FIND(by_name, values->known, name.data, name.len, known);
    if (known == NULL) {
        known = x_calloc(1, sizeof *known + name.len + 1);
        memcpy(known->name, name.data, name.len);
        value.text.p = known->name + 1;
        HASH_ADD_KEYPTR(by_name, values->known, known->name, name.len, known);
        known->index = add_value(values, value);
        uint32_t as_text = known->index;
        if (value.kind != ORACLE_TEXT) {
            as_text = oracle_values_add(
                values, (struct oracle_value){.kind = ORACLE_TEXT, .text = value.text});
        }
        values->list[known->index].as_text = as_text;
    }
    buf_free(&name);
    return known->index;
}

uint32_t oracle_values_text(struct oracle_values *values, struct str text)
{
    return text.p != NULL
               ? oracle_values_add(values, (struct oracle_value){.kind = ORACLE_TEXT, .text = text})
               : ORACLE_NO_VALUE;
}

/* Returns the shortest of the texts with 15 to 17 digits that is this number and no other. */
static struct str shortest(double real, char digits[40])
{
    int count = 15;
    do {
        snprintf(digits, 40, "%.*g", count, real);
    } while (count++ < 17 && fabs(strtod(digits, NULL) - real) > 0);
    return str_of(digits);
}

/* Only scalars are values: a map or a list counts as absent, and so does what is unusable. */
uint32_t oracle_values_json(struct oracle_values *values, const struct json_value *json)
{
    char digits[40];
    struct oracle_value value = {0};
    bool boolean;
    if (json_as_str(json, &value.text)) {
        value.kind = ORACLE_TEXT;
    } else if (json_as_bool(json, &boolean)) {
        value.kind = ORACLE_BOOL;
        value.integer = boolean;
        value.text = boolean ? STR("true") : STR("false");
    } else if (json_as_int(json, &value.integer)) {
        value.kind = ORACLE_INTEGER;
        value.real = (double)value.integer;
        snprintf(digits, sizeof digits, "%lld", (long long)value.integer);
        value.text = str_of(digits);
    } else if (json_as_digits(json, &value.text)) {
        value.kind = ORACLE_LONG;
        value.real = json_as_number(json, &value.real) ? value.real : (double)INFINITY;
    } else if (json_as_number(json, &value.real)) {
        value.kind = ORACLE_REAL;
        value.text = shortest(value.real, digits);
    } else {
        return ORACLE_NO_VALUE;
    }
    return oracle_values_add(values, value);
}

void oracle_values_init(struct oracle_values *values)
{
    *values = (struct oracle_values){0};
    (void)add_value(values, (struct oracle_value){0});
}

void oracle_values_free(struct oracle_values *values)
{
    struct oracle_known *known;
    struct oracle_known *next;
    HASH_ITER(by_name, values->known, known, next)
    {
        HASH_DELETE(by_name, values->known, known);
        free(known);
    }
    free(values->list);
    *values = (struct oracle_values){0};
}
