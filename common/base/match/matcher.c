/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/matcher.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/match/patterns.h"
#include "common/base/xalloc.h"

#define LISTS_MAX 2
#define FIRST_NAMES 32 /* The places that are remembered at first. */

/* What is remembered of a place: the verdict on the name that had it last, and which use that was.
 * Of the use only the lower bits are here; a verdict is taken for that of another name if a place
 * is given away a billion times while nobody asks. */
#define VERDICT_BITS 2
enum verdict { VERDICT_NONE, VERDICT_UNWANTED, VERDICT_WANTED };

struct matcher {
    struct patterns *lists[LISTS_MAX];
    size_t list_count;
    uint32_t *names; /* By place. */
    size_t name_cap;
    uint64_t steps;
};

struct matcher *matcher_create(const struct matcher_list *lists, size_t count)
{
    struct matcher *matcher = x_calloc(1, sizeof *matcher);
    for (size_t i = 0; i < count; i++) {
        if (lists[i].patterns != NULL) {
            assert(matcher->list_count < LISTS_MAX);
            matcher->lists[matcher->list_count++] =
                patterns_create(lists[i].patterns, lists[i].count);
        }
    }
    return matcher;
}

void matcher_destroy(struct matcher **matcher_p)
{
    struct matcher *matcher = *matcher_p;
    if (matcher != NULL) {
        for (size_t i = 0; i < matcher->list_count; i++) {
            patterns_destroy(&matcher->lists[i]);
        }
        free(matcher->names);
        free(matcher);
        *matcher_p = NULL;
    }
}

bool matcher_wants(struct matcher *matcher, struct str name)
{
    for (size_t i = 0; i < matcher->list_count; i++) {
        if (!patterns_match(matcher->lists[i], name, &matcher->steps)) {
            return false;
        }
    }
    return true;
}

/* What is remembered of the place; NULL: it is none of those that are. */
static uint32_t *place_of(struct matcher *matcher, uint32_t place)
{
    if (place >= MATCHER_NAMES_MAX) {
        return NULL;
    }
    if (place >= matcher->name_cap) {
        size_t cap = matcher->name_cap != 0 ? matcher->name_cap : FIRST_NAMES;
        while (cap <= place) {
            cap *= 2;
        }
        matcher->names = x_reallocarray(matcher->names, cap, sizeof *matcher->names);
        memset(matcher->names + matcher->name_cap, 0,
               (cap - matcher->name_cap) * sizeof *matcher->names);
        matcher->name_cap = cap;
    }
    return &matcher->names[place];
}

bool matcher_wants_numbered(struct matcher *matcher, struct str name, struct name_number number)
{
    if (matcher->list_count == 0) {
        return true;
    }
    uint32_t *known = place_of(matcher, number.place);
    if (known == NULL) {
        return matcher_wants(matcher, name);
    }
    const uint32_t use = number.use << VERDICT_BITS;
    if (*known != (use | VERDICT_WANTED) && *known != (use | VERDICT_UNWANTED)) {
        *known = use | (matcher_wants(matcher, name) ? VERDICT_WANTED : VERDICT_UNWANTED);
    }
    return *known == (use | VERDICT_WANTED);
}

bool matcher_wants_all(const struct matcher *matcher)
{
    return matcher->list_count == 0;
}

const struct str *matcher_names(const struct matcher *matcher, size_t *count)
{
    const struct str *fewest = NULL;
    *count = 0;
    for (size_t i = 0; i < matcher->list_count; i++) {
        size_t here;
        const struct str *names = patterns_names(matcher->lists[i], &here);
        if (names != NULL && (fewest == NULL || here < *count)) {
            fewest = names;
            *count = here;
        }
    }
    return fewest;
}

size_t matcher_bytes(const struct matcher *matcher)
{
    size_t bytes = sizeof *matcher;
    for (size_t i = 0; i < matcher->list_count; i++) {
        bytes += patterns_bytes(matcher->lists[i]);
    }
    return bytes;
}

uint64_t matcher_steps(const struct matcher *matcher)
{
    return matcher->steps;
}
