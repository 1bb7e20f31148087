/* SPDX-License-Identifier: Apache-2.0 */
#include "common/push/pushed_event.h"

#include "common/base/time/clock.h"
#include "common/base/utf8.h"
#include "common/codec/json.h"

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static int check_type(struct str type, struct error *err)
{
    if (type.p == NULL || type.len == 0) {
        return error_set(err, STATUS_INVALID,
                         "event_type is missing: say what happened, such as "
                         "{\"event_type\":\"deploy\"}");
    }
    if (type.len > PUSH_TYPE_MAX || has_control(type)) {
        return error_set(err, STATUS_INVALID,
                         "event_type is a text of 1 to %d bytes without control characters",
                         PUSH_TYPE_MAX);
    }
    return STATUS_OK;
}

static int check_payload(struct str payload, struct error *err)
{
    struct json_value *root = NULL;
    if (payload.p == NULL) {
        return STATUS_OK;
    }
    const int status = json_parse_usable(payload, PUSH_EVENT_MAX, &root);
    json_free(root);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, STATUS_INVALID, "payload is no JSON value");
}

static int check_texts(const struct pushed_event *event, struct error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        const struct str text = event->fields[i];
        bytes += text.len;
        if (text.p != NULL && (!utf8_valid(text) || memchr(text.p, '\0', text.len) != NULL)) {
            return error_set(err, STATUS_INVALID, "%s is no text in UTF-8 without NUL",
                             event_fields[i].name);
        }
    }
    return bytes <= PUSH_EVENT_MAX
               ? STATUS_OK
               : error_set(err, STATUS_FULL,
                           "it has %zu bytes, and an event may have %zu: put what is large "
                           "elsewhere, and a link to it into the payload",
                           bytes, PUSH_EVENT_MAX);
}

int pushed_event_check(const struct pushed_event *event, struct error *err)
{
    wall_time unused;
    const struct str time = event->fields[EVENT_TIMESTAMP];
    int status = check_texts(event, err);
    if (status == STATUS_OK) {
        status = check_type(event->fields[EVENT_TYPE], err);
    }
    if (status == STATUS_OK && time.p != NULL && !wall_parse(time.p, time.len, NULL, &unused)) {
        status = error_set(err, STATUS_INVALID,
                           "timestamp is no moment such as 2026-11-23T05:12:01Z; without one the "
                           "event gets the time when it comes");
    }
    return status == STATUS_OK ? check_payload(event->fields[EVENT_PAYLOAD], err) : status;
}

void pushed_event_put(struct buf *out, const struct pushed_event *event)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        if (event->fields[i].p != NULL) {
            mp_put_text(out, event_fields[i].name);
            mp_put_str(out, event->fields[i]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

int pushed_event_read(const mp_value *map, struct pushed_event *out, struct error *err)
{
    size_t known = 0;
    *out = (struct pushed_event){0};
    if (!mp_is_map(map)) {
        return error_set(err, STATUS_INVALID, "it is no map");
    }
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        const mp_value *value = mp_get(map, event_fields[i].name);
        known += value != NULL;
        if (!mp_is_nil(value) && !mp_as_str(value, &out->fields[i])) {
            return error_set(err, STATUS_INVALID, "%s is no text", event_fields[i].name);
        }
    }
    if (known != mp_count(map)) {
        return error_set(err, STATUS_INVALID,
                         "it has a member that is no field of an event, or one that is there "
                         "twice; the fields are timestamp, event_type, actor_id, target_id, "
                         "summary and payload");
    }
    return pushed_event_check(out, err);
}
