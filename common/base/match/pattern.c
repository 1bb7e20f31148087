/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/pattern.h"

#include <stdlib.h>
#include <string.h>

bool pattern_valid(struct str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.p[i] <= ' ' || pattern.p[i] > '~' || pattern.p[i] == '"') {
            return false;
        }
    }
    return pattern.len != 0;
}

bool pattern_names_key(struct str pattern)
{
    return pattern_valid(pattern) && memchr(pattern.p, ',', pattern.len) == NULL;
}

bool pattern_names_field(struct str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        const unsigned char c = (unsigned char)pattern.p[i];
        if (c < ' ' || c == 0x7f || c == ',' || c == '"') {
            return false;
        }
    }
    return pattern.len != 0;
}

bool pattern_covers(struct str wide, struct str narrow)
{
    /* Read as a text, a star of the narrow one can only be met by a star of the wide one. */
    return str_glob(wide, narrow);
}

static size_t first_star(struct str pattern)
{
    const char *star = memchr(pattern.p, '*', pattern.len);
    return star != NULL ? (size_t)(star - pattern.p) : pattern.len;
}

/* How many characters stand behind the last star, of which there is one. */
static size_t tail_length(struct str pattern)
{
    size_t length = 0;
    while (pattern.p[pattern.len - 1 - length] != '*') {
        length++;
    }
    return length;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Two patterns with stars meet when the shorter beginning begins the longer one, and the shorter
 * end ends the longer one. What stands between stars may come one after the other:
 *
 *     or*x*    ord*y*s    meet in    ord x y s
 */
bool pattern_meets(struct str a, struct str b)
{
    const size_t head_a = first_star(a);
    const size_t head_b = first_star(b);
    if (head_a == a.len) {
        return str_glob(b, a);
    }
    if (head_b == b.len) {
        return str_glob(a, b);
    }
    const size_t tail = smaller(tail_length(a), tail_length(b));
    return memcmp(a.p, b.p, smaller(head_a, head_b)) == 0 &&
           memcmp(a.p + a.len - tail, b.p + b.len - tail, tail) == 0;
}

static int compare(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    const int order = memcmp(x->p, y->p, smaller(x->len, y->len));
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

size_t pattern_sort(struct str *patterns, size_t count)
{
    size_t kept = 0;
    if (count != 0) {
        qsort(patterns, count, sizeof *patterns, compare);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_equal(patterns[i], patterns[kept - 1])) {
            patterns[kept++] = patterns[i];
        }
    }
    return kept;
}
