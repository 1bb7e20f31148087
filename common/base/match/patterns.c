/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/patterns.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

/* What one step is; measured with the worst that could be thought of. */
#define SEARCH_STEPS 2      /* A binary search, which is two of them. */
#define GLOBS_A_STEP 8      /* Patterns that are passed over by their bytes, beginning or end. */
#define BYTES_A_STEP 16     /* Bytes of a name that are put into a set. */
#define FOUND_A_STEP 4      /* Bytes of a name in which a part of a pattern is searched. */
#define FOUND_ONE_A_STEP 64 /* The same for a part that is a single byte. */

/* A pattern with a star that is not, or not only, at its end. */
struct glob {
    struct str beginning; /* What stands before the first star. */
    struct str middle;    /* What stands between the first star and the last. */
    struct str end;       /* What stands behind the last star. */
    uint64_t bytes;       /* The set of its bytes but stars, see byte_set. */
};

struct patterns {
    struct str *names; /* Patterns without a star. */
    size_t name_count;
    struct str *beginnings; /* What stands before the star of those with one star, at the end. */
    size_t beginning_count;
    struct glob *globs;
    size_t glob_count;
};

static int compare(struct str a, struct str b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common != 0 ? memcmp(a.p, b.p, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_items(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    return compare(*x, *y);
}

static bool begins_with(struct str text, struct str beginning)
{
    return text.len >= beginning.len &&
           (beginning.len == 0 || memcmp(text.p, beginning.p, beginning.len) == 0);
}

static bool ends_with(struct str text, struct str end)
{
    return text.len >= end.len &&
           (end.len == 0 || memcmp(text.p + text.len - end.len, end.p, end.len) == 0);
}

/* One bit for each byte that is there; some bytes share one. */
static uint64_t byte_set(struct str text)
{
    uint64_t set = 0;
    for (size_t i = 0; i < text.len; i++) {
        set |= UINT64_C(1) << ((unsigned char)text.p[i] % 64);
    }
    return set;
}

/* ---- Compiling ---- */

static void add_glob(struct patterns *patterns, struct str text, size_t first, size_t last)
{
    patterns->globs =
        x_reallocarray(patterns->globs, patterns->glob_count + 1, sizeof *patterns->globs);
    struct glob *glob = &patterns->globs[patterns->glob_count++];
    glob->beginning = (struct str){text.p, first};
    glob->middle = first < last ? (struct str){text.p + first + 1, last - first - 1} : STR("");
    glob->end = (struct str){text.p + last + 1, text.len - last - 1};
    glob->bytes = byte_set(glob->beginning) | byte_set(glob->end);
    for (size_t i = 0; i < glob->middle.len; i++) {
        if (glob->middle.p[i] != '*') {
            glob->bytes |= byte_set((struct str){glob->middle.p + i, 1});
        }
    }
}

enum kind { KIND_NAME, KIND_BEGINNING, KIND_GLOB };

static enum kind kind_of(struct str text)
{
    const char *first = text.len != 0 ? memchr(text.p, '*', text.len) : NULL;
    if (first == NULL) {
        return KIND_NAME;
    }
    return first == text.p + text.len - 1 ? KIND_BEGINNING : KIND_GLOB;
}

static void add(struct patterns *patterns, struct str text)
{
    const enum kind kind = kind_of(text);
    if (kind == KIND_NAME) {
        patterns->names[patterns->name_count++] = text;
    } else if (kind == KIND_BEGINNING) {
        patterns->beginnings = x_reallocarray(patterns->beginnings, patterns->beginning_count + 1,
                                              sizeof *patterns->beginnings);
        patterns->beginnings[patterns->beginning_count++] = (struct str){text.p, text.len - 1};
    } else {
        const char *first = memchr(text.p, '*', text.len);
        const char *last = memrchr(text.p, '*', text.len);
        add_glob(patterns, text, (size_t)(first - text.p), (size_t)(last - text.p));
    }
}

/* Sorts the list and leaves each item out that is the one kept before it, or is matched by that. */
static size_t sort_unique(struct str *list, size_t count, bool beginnings)
{
    if (list == NULL) {
        return 0;
    }
    size_t kept = 0;
    qsort(list, count, sizeof *list, compare_items);
    for (size_t i = 0; i < count; i++) {
        const bool covered = kept != 0 && (beginnings ? begins_with(list[i], list[kept - 1])
                                                      : str_equal(list[i], list[kept - 1]));
        if (!covered) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

struct patterns *patterns_create(const struct str *list, size_t count)
{
    struct patterns *patterns = x_calloc(1, sizeof *patterns);
    size_t names = 0;
    for (size_t i = 0; i < count; i++) {
        names += kind_of(list[i]) == KIND_NAME;
    }
    /* There are many lists of names alone, which take no memory for what they lack. */
    patterns->names = x_calloc(names + 1, sizeof *patterns->names);
    for (size_t i = 0; i < count; i++) {
        add(patterns, list[i]);
    }
    patterns->name_count = sort_unique(patterns->names, patterns->name_count, false);
    patterns->beginning_count = sort_unique(patterns->beginnings, patterns->beginning_count, true);
    return patterns;
}

void patterns_destroy(struct patterns **patterns_p)
{
    struct patterns *patterns = *patterns_p;
    if (patterns != NULL) {
        free(patterns->names);
        free(patterns->beginnings);
        free(patterns->globs);
        free(patterns);
        *patterns_p = NULL;
    }
}

/* ---- Matching ---- */

/* The last item of a sorted list that is not behind the name; NULL: there is none. */
static const struct str *last_until(const struct str *list, size_t count, struct str name)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t half = low + (high - low) / 2;
        if (compare(list[half], name) <= 0) {
            low = half + 1;
        } else {
            high = half;
        }
    }
    return low != 0 ? &list[low - 1] : NULL;
}

/* True when the parts of the middle, between its stars, stand in the text one behind the other.
 * Where a part first fits is as good as any later place. */
static bool has_parts(struct str middle, struct str text, uint64_t *steps)
{
    while (middle.len != 0) {
        const char *star = memchr(middle.p, '*', middle.len);
        const size_t len = star != NULL ? (size_t)(star - middle.p) : middle.len;
        const char *found = memmem(text.p, text.len, middle.p, len);
        const size_t searched = found != NULL ? (size_t)(found - text.p) + len : text.len;
        *steps += 1 + searched / (len > 1 ? FOUND_A_STEP : FOUND_ONE_A_STEP);
        if (found == NULL) {
            return false;
        }
        text = (struct str){text.p + searched, text.len - searched};
        middle.p += len + (star != NULL);
        middle.len -= len + (star != NULL);
    }
    return true;
}

static bool glob_matches(const struct glob *glob, struct str name, uint64_t *steps)
{
    const size_t ends = glob->beginning.len + glob->end.len;
    if (name.len < ends || !begins_with(name, glob->beginning) || !ends_with(name, glob->end)) {
        return false;
    }
    return has_parts(glob->middle, (struct str){name.p + glob->beginning.len, name.len - ends},
                     steps);
}

static bool some_glob_matches(const struct patterns *patterns, struct str name, uint64_t *steps)
{
    const uint64_t missing = ~byte_set(name);
    *steps += name.len / BYTES_A_STEP + patterns->glob_count / GLOBS_A_STEP + 1;
    for (size_t i = 0; i < patterns->glob_count; i++) {
        const struct glob *glob = &patterns->globs[i];
        if ((glob->bytes & missing) == 0 && glob_matches(glob, name, steps)) {
            return true;
        }
    }
    return false;
}

bool patterns_match(const struct patterns *patterns, struct str name, uint64_t *steps)
{
    *steps += 2 * (uint64_t)SEARCH_STEPS;
    const struct str *item = last_until(patterns->names, patterns->name_count, name);
    if (item != NULL && str_equal(*item, name)) {
        return true;
    }
    item = last_until(patterns->beginnings, patterns->beginning_count, name);
    if (item != NULL && begins_with(name, *item)) {
        return true;
    }
    return patterns->glob_count != 0 && some_glob_matches(patterns, name, steps);
}

size_t patterns_bytes(const struct patterns *patterns)
{
    return sizeof *patterns + patterns->name_count * sizeof *patterns->names +
           patterns->beginning_count * sizeof *patterns->beginnings +
           patterns->glob_count * sizeof *patterns->globs;
}

const struct str *patterns_names(const struct patterns *patterns, size_t *count)
{
    *count = patterns->name_count;
    return patterns->beginning_count == 0 && patterns->glob_count == 0 ? patterns->names : NULL;
}
