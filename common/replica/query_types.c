/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_types.h"

#include "common/base/fnv.h"

#define PAIRS_A_STEP 64

bool query_types_init(struct query_types *types, const mp_value *patterns)
{
    size_t bytes = 0;
    *types = (struct query_types){.all = patterns == NULL};
    if (patterns == NULL) {
        return true;
    }
    if (!mp_is_array(patterns) || mp_count(patterns) > QUERY_TYPES_MAX) {
        return false;
    }
    for (; types->count < mp_count(patterns); types->count++) {
        struct str *pattern = &types->patterns[types->count];
        if (!mp_as_str(mp_at(patterns, types->count), pattern)) {
            return false;
        }
        bytes += pattern->len;
    }
    return bytes <= QUERY_TYPES_BYTES_MAX;
}

void query_types_begin(struct query_types *types)
{
    types->steps = 0;
}

bool query_types_go_on(const struct query_types *types)
{
    return types->steps < QUERY_TYPES_STEPS_MAX;
}

bool query_types_want(struct query_types *types, struct str type)
{
    types->steps++;
    if (types->all) {
        return true;
    }
    const size_t place = fnv1a(FNV_BEGIN, type) % QUERY_TYPES_KNOWN;
    if (types->known[place].type.p != NULL && str_equal(types->known[place].type, type)) {
        return types->known[place].wanted;
    }
    bool wanted = false;
    for (size_t i = 0; i < types->count && !wanted; i++) {
        types->steps += 1 + types->patterns[i].len * type.len / PAIRS_A_STEP;
        wanted = str_glob(types->patterns[i], type);
    }
    types->known[place].type = type;
    types->known[place].wanted = wanted;
    return wanted;
}
