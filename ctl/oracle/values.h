/* SPDX-License-Identifier: Apache-2.0 */
/* The different values of the fields of rows, each of which is kept once. */
#ifndef CTL_ORACLE_VALUES_H
#define CTL_ORACLE_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/codec/json.h"

enum oracle_kind {
    ORACLE_ABSENT,
    ORACLE_TEXT,
    ORACLE_INTEGER,
    ORACLE_LONG, /* an integer that int64 cannot hold */
    ORACLE_REAL,
    ORACLE_BOOL,
};

struct oracle_value {
    enum oracle_kind kind; /* what it is */
    struct str text;       /* the value as text, whatever its kind; STR_NULL when it is absent */
    int64_t integer;       /* of an ORACLE_INTEGER; 0 or 1 for an ORACLE_BOOL */
    double real;      /* of the three kinds of number; infinite when an ORACLE_LONG is larger */
    uint32_t as_text; /* index of the ORACLE_TEXT that has the same text */
};

#define ORACLE_NO_VALUE 0U /* index of the absent value */

struct oracle_known;

/* Members are of values.c, but for reading the list. */
struct oracle_values {
    struct oracle_value *list;  /* by index; owned */
    size_t count;               /* of the list */
    size_t cap;                 /* of the list */
    struct oracle_known *known; /* where each is in the list, by kind and text */
};

/* The absent value is there from the first. */
void oracle_values_init(struct oracle_values *values);
void oracle_values_free(struct oracle_values *values);

/* The index of a value, which is added when it is new; its text is copied then. */
uint32_t oracle_values_add(struct oracle_values *values, struct oracle_value value);

/* The same of a text, which may be STR_NULL. */
uint32_t oracle_values_text(struct oracle_values *values, struct str text);

/* The same of a scalar of JSON. A map, a list and what is unusable count as absent. */
uint32_t oracle_values_json(struct oracle_values *values, const struct json_value *json);

#endif
