/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_types.h"

bool query_types_init(struct query_types *types, const mp_value *patterns)
{
    struct str texts[QUERY_TYPES_MAX];
    struct matcher_list list = {texts, 0};
    size_t bytes = 0;
    *types = (struct query_types){0};
    if (patterns == NULL) {
        types->matcher = matcher_create(NULL, 0);
        return true;
    }
    if (!mp_is_array(patterns) || mp_count(patterns) > QUERY_TYPES_MAX) {
        return false;
    }
    for (; list.count < mp_count(patterns); list.count++) {
        if (!mp_as_str(mp_at(patterns, list.count), &texts[list.count])) {
            return false;
        }
        bytes += texts[list.count].len;
    }
    if (bytes > QUERY_TYPES_BYTES_MAX) {
        return false;
    }
    types->matcher = matcher_create(&list, 1);
    return true;
}

void query_types_free(struct query_types *types)
{
    matcher_destroy(&types->matcher);
}

void query_types_begin(struct query_types *types)
{
    types->steps = 0;
    types->matcher_before = matcher_steps(types->matcher);
}

bool query_types_go_on(const struct query_types *types)
{
    return types->steps + matcher_steps(types->matcher) - types->matcher_before <
           QUERY_TYPES_STEPS_MAX;
}

bool query_types_want(struct query_types *types, const struct eventlog_entry *event)
{
    types->steps++;
    return matcher_wants_numbered(types->matcher, event->event_type, event->type);
}
