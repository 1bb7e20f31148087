/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/sources_up.h"

#include <string.h>

void sources_up_add(struct sources_up *sources, struct str name, bool up)
{
    if (sources->count == SOURCES_UP_MAX) {
        return;
    }
    struct source_up *one = &sources->list[sources->count++];
    const size_t len = name.len < SOURCES_UP_NAME_MAX ? name.len : SOURCES_UP_NAME_MAX;
    memcpy(one->name, name.p, len);
    one->name[len] = '\0';
    one->up = up;
}

void sources_up_put(struct buf *out, const struct sources_up *sources)
{
    mp_put_map(out, sources->count);
    for (unsigned i = 0; i < sources->count; i++) {
        mp_put_text(out, sources->list[i].name);
        mp_put_bool(out, sources->list[i].up);
    }
}

void sources_up_read(const mp_value *value, struct sources_up *out)
{
    *out = (struct sources_up){0};
    for (uint32_t i = 0; mp_is_map(value) && i < mp_count(value); i++) {
        struct str name;
        bool up;
        if (mp_as_str(&value->via.map.ptr[i].key, &name) &&
            mp_as_bool(&value->via.map.ptr[i].val, &up)) {
            sources_up_add(out, name, up);
        }
    }
}
