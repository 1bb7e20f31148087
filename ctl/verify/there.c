/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/there.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

static int compare(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

void there_note(struct there *there, const struct oracle_rows *rows)
{
    there->count = oracle_rows_count(rows);
    there->keys = x_reallocarray(there->keys, there->count + 1, sizeof *there->keys);
    for (size_t i = 0; i < there->count; i++) {
        there->keys[i] = oracle_row_key(rows, i);
    }
    qsort(there->keys, there->count, sizeof *there->keys, compare);
}

void there_copy(struct there *to, const struct there *from)
{
    to->count = from->count;
    to->keys = x_reallocarray(to->keys, from->count + 1, sizeof *to->keys);
    if (from->count != 0) {
        memcpy(to->keys, from->keys, from->count * sizeof *to->keys);
    }
}

void there_free(struct there *there)
{
    free(there->keys);
    *there = (struct there){0};
}

bool there_has(const struct there *there, int64_t key)
{
    return there->count != 0 &&
           bsearch(&key, there->keys, there->count, sizeof key, compare) != NULL;
}
