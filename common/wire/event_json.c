/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/event_json.h"

#include <inttypes.h>

#include "common/base/event_fields.h"
#include "common/codec/json.h"

void event_json_write_id(struct buf *out, const mp_value *id)
{
    int64_t number;
    if (mp_as_int(id, &number) && number > EVENT_JSON_NUMBER_MAX) {
        buf_printf(out, "\"%" PRId64 "\"", number);
    } else if (id != NULL) {
        json_write_value(out, id);
    } else {
        buf_append_text(out, "null");
    }
}

void event_json_write(struct buf *out, const mp_value *fields)
{
    bool any = false;
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < fields->via.map.size; i++) {
        const mp_value *value = &fields->via.map.ptr[i].val;
        struct str name;
        if (!mp_as_str(&fields->via.map.ptr[i].key, &name)) {
            continue;
        }
        buf_append_text(out, any ? "," : "");
        any = true;
        json_write_string(out, name);
        buf_append_char(out, ':');
        if (str_is(name, event_fields[EVENT_ID].name)) {
            event_json_write_id(out, value);
        } else {
            json_write_value(out, value);
        }
    }
    buf_append_char(out, '}');
}
