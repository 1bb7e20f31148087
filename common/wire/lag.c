/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/lag.h"

#include <string.h>

static void set_name(struct lag_of *of, struct str name)
{
    const size_t len = name.len < LAG_NAME_MAX ? name.len : LAG_NAME_MAX;
    memcpy(of->name, name.p, len);
    of->name[len] = '\0';
}

/* Puts a stream where it belongs among those that have names, the last of which may lose its own.
 */
static void rank(struct lag *lag, struct str name, uint64_t messages)
{
    unsigned at = lag->count;
    while (at != 0 && lag->worst[at - 1].messages < messages) {
        at--;
    }
    if (at == LAG_NAMES_MAX) {
        return;
    }
    lag->count += lag->count < LAG_NAMES_MAX;
    memmove(&lag->worst[at + 1], &lag->worst[at], (lag->count - at - 1) * sizeof lag->worst[0]);
    set_name(&lag->worst[at], name);
    lag->worst[at].messages = messages;
}

void lag_add(struct lag *lag, struct str name, uint64_t messages)
{
    lag->known = true;
    lag->messages += messages;
    lag->behind += messages != 0;
    rank(lag, name, messages);
}

void lag_put(struct buf *out, const struct lag *lag)
{
    mp_put_map(out, lag->missing != 0 ? 4 : 3);
    if (lag->missing != 0) {
        mp_put_text(out, "a");
        mp_put_uint(out, lag->missing);
    }
    mp_put_text(out, "m");
    mp_put_uint(out, lag->messages);
    mp_put_text(out, "b");
    mp_put_uint(out, lag->behind);
    mp_put_text(out, "p");
    mp_put_map(out, lag->count);
    for (unsigned i = 0; i < lag->count; i++) {
        mp_put_text(out, lag->worst[i].name);
        mp_put_uint(out, lag->worst[i].messages);
    }
}

void lag_read(const mp_value *value, struct lag *out)
{
    const mp_value *names = mp_get(value, "p");
    *out = (struct lag){0};
    if (!mp_as_uint(mp_get(value, "m"), &out->messages) ||
        !mp_as_uint(mp_get(value, "b"), &out->behind) || !mp_is_map(names)) {
        *out = (struct lag){0};
        return;
    }
    out->known = true;
    (void)mp_as_uint(mp_get(value, "a"), &out->missing);
    for (uint32_t i = 0; i < mp_count(names); i++) {
        struct str name;
        uint64_t messages;
        if (mp_as_str(&names->via.map.ptr[i].key, &name) &&
            mp_as_uint(&names->via.map.ptr[i].val, &messages)) {
            rank(out, name, messages);
        }
    }
}
