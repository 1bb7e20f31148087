/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/lens.h"

#include "common/base/fnv.h"
#include "gateway/base/view_state.h"

static bool shows(const struct view_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_glob(list->patterns[i], name)) {
            return true;
        }
    }
    return false;
}

struct lens lens_of(const struct view *view, enum view_kind kind, struct str name)
{
    struct lens lens = {0};
    if (!view->hides) {
        return lens;
    }
    lens.view = view;
    for (size_t i = 0; i < view->grant_count; i++) {
        const struct grant *grant = &view->grants[i];
        if (view->grant_count == 1 || shows(&grant->lists[kind], name)) {
            if (grant_shows_all(&grant->lists[GRANT_FIELDS])) {
                return (struct lens){0};
            }
            lens.grants |= UINT64_C(1) << i;
        }
    }
    return lens;
}

/* The next grant of the lens at or behind that place; the end when there is none. */
static size_t next_grant(struct lens lens, size_t place)
{
    while (place < lens.view->grant_count && (lens.grants >> place & 1) == 0) {
        place++;
    }
    return place;
}

static bool same(const struct view_list *a, const struct view_list *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; i < a->count && equal; i++) {
        equal = str_equal(a->patterns[i], b->patterns[i]);
    }
    return equal;
}

bool lens_equal(struct lens a, struct lens b)
{
    if (a.view == b.view) {
        return a.grants == b.grants;
    }
    if (a.view == NULL || b.view == NULL) {
        return false;
    }
    /* The grants of a view have different fields, and are sorted by them. */
    size_t i = next_grant(a, 0);
    size_t k = next_grant(b, 0);
    while (i < a.view->grant_count && k < b.view->grant_count &&
           same(&a.view->grants[i].lists[GRANT_FIELDS], &b.view->grants[k].lists[GRANT_FIELDS])) {
        i = next_grant(a, i + 1);
        k = next_grant(b, k + 1);
    }
    return i == a.view->grant_count && k == b.view->grant_count;
}

/* Calls `fits` for each pattern of fields that the lens has, until it is true. */
static bool some_field(struct lens lens, bool (*fits)(struct str pattern, struct str path),
                       struct str path)
{
    for (size_t i = next_grant(lens, 0); i < lens.view->grant_count; i = next_grant(lens, i + 1)) {
        const struct view_list *fields = &lens.view->grants[i].lists[GRANT_FIELDS];
        for (size_t k = 0; k < fields->count; k++) {
            if (fits(fields->patterns[k], path)) {
                return true;
            }
        }
    }
    return false;
}

bool lens_shows(struct lens lens, struct str path)
{
    return lens_clear(lens) || some_field(lens, str_glob, path);
}

/* True when the pattern begins with the path and a dot, or with as much of that as it has before
 * its first star. */
static bool fits_below(struct str pattern, struct str path)
{
    const char *first = memchr(pattern.p, '*', pattern.len);
    const size_t head = first != NULL ? (size_t)(first - pattern.p) : pattern.len;
    const size_t common = head < path.len ? head : path.len;
    if (memcmp(pattern.p, path.p, common) != 0) {
        return false;
    }
    return head > path.len ? pattern.p[path.len] == '.' : first != NULL;
}

bool lens_shows_below(struct lens lens, struct str path)
{
    return lens_clear(lens) || some_field(lens, fits_below, path);
}

uint64_t lens_digest(struct lens lens)
{
    if (lens_clear(lens)) {
        return 0;
    }
    uint64_t digest = FNV_BEGIN;
    for (size_t i = next_grant(lens, 0); i < lens.view->grant_count; i = next_grant(lens, i + 1)) {
        const struct view_list *fields = &lens.view->grants[i].lists[GRANT_FIELDS];
        for (size_t k = 0; k < fields->count; k++) {
            digest = fnv1a(fnv1a(digest, fields->patterns[k]), STR(","));
        }
    }
    return digest;
}
