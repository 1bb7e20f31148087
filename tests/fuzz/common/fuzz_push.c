/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies with events that are pushed: what is taken are events that are good one by one, in their
 * own form; written as JSON again they are the same; and none is taken whose type may not be
 * pushed. Input: a byte that says which format, for a CloudEvent in headers a line for each
 * attribute (`name: value`) up to an empty one, and the body. */
#include <string.h>

#include "common/codec/json.h"
#include "common/push/push_body.h"
#include "tests/fuzz/fuzz.h"

/* Brackets: JSON may be nested so deep anywhere, and in two more levels as well. */
#define DEEP 20

/* The attributes' lines. */
static struct str attribute(void *arg, const char *name)
{
    struct str lines = *(const struct str *)arg;
    const size_t len = strlen(name);
    while (lines.len != 0) {
        const struct str line = fuzz_take_line(&lines);
        if (line.len >= len + 2 && memcmp(line.p, name, len) == 0 &&
            memcmp(line.p + len, ": ", 2) == 0) {
            return (struct str){line.p + len + 2, line.len - len - 2};
        }
    }
    return STR_NULL;
}

static struct str take_attributes(struct str *input)
{
    const char *begin = input->p;
    size_t len = 0;
    while (input->len != 0) {
        const struct str line = fuzz_take_line(input);
        if (line.len == 0) {
            break;
        }
        len = (size_t)(line.p + line.len - begin);
    }
    return (struct str){begin, len};
}

static bool only_deploy(void *arg, struct str type)
{
    (void)arg;
    return str_is(type, "deploy");
}

static bool is_deep(struct str text)
{
    size_t brackets = 0;
    for (size_t i = 0; i < text.len; i++) {
        brackets += text.p[i] == '[' || text.p[i] == '{';
    }
    return brackets > DEEP;
}

static void write_json(struct buf *out, const struct pushed_event *event)
{
    const char *before = "{";
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        const struct str text = event->fields[i];
        if (text.p != NULL) {
            buf_append_text(out, before);
            json_write_string(out, str_of(event_fields[i].name));
            buf_append_char(out, ':');
            if (i == EVENT_PAYLOAD) {
                buf_append_str(out, text);
            } else {
                json_write_string(out, text);
            }
            before = ",";
        }
    }
    buf_append_char(out, '}');
}

/* Each map is a good event, and as it would be put; `json` becomes an array of them. */
static bool check_maps(const struct push_events *events, struct buf *json)
{
    struct buf array = {0};
    struct buf again = {0};
    struct mp_doc doc;
    bool deep = false;
    mp_doc_init(&doc);
    mp_put_array(&array, events->count);
    buf_append_str(&array, buf_str(&events->maps));
    FUZZ_CHECK(mp_parse(&doc, array.data, array.len) == STATUS_OK);
    for (size_t i = 0; i < events->count; i++) {
        struct pushed_event event;
        struct error err;
        FUZZ_CHECK(pushed_event_read(mp_at(&doc.root, i), &event, &err) == STATUS_OK);
        FUZZ_CHECK(event.fields[EVENT_ID].p == NULL);
        FUZZ_CHECK(events->may == NULL || str_is(event.fields[EVENT_TYPE], "deploy"));
        pushed_event_put(&again, &event);
        buf_append_char(json, i == 0 ? '[' : ',');
        write_json(json, &event);
        deep = deep || is_deep(event.fields[EVENT_PAYLOAD]);
    }
    buf_append_char(json, ']');
    fuzz_check_same(&events->maps, &again);
    mp_doc_free(&doc);
    buf_free(&array);
    buf_free(&again);
    return deep;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str body = fuzz_text(data, len);
    const unsigned how = fuzz_take_byte(&body);
    const enum push_format format = (enum push_format)(how % (PUSH_BINARY_EVENT + 1));
    struct str attributes = format == PUSH_BINARY_EVENT ? take_attributes(&body) : STR("");
    struct push_events events = {.may = (how & 0x80) != 0 ? only_deploy : NULL};
    struct error err = {{0}};
    if (push_body_read(body, format, attribute, &attributes, &events, &err) == STATUS_OK) {
        struct push_events same = {0};
        struct buf json = {0};
        FUZZ_CHECK(events.count != 0 && events.count <= PUSH_EVENTS_MAX);
        const bool deep = check_maps(&events, &json);
        fuzz_took();
        if (push_body_read(buf_str(&json), PUSH_JSON, NULL, NULL, &same, &err) == STATUS_OK) {
            fuzz_check_same(&events.maps, &same.maps);
        } else {
            FUZZ_CHECK(deep || json.len > PUSH_REQUEST_MAX / 2);
        }
        push_events_free(&same);
        buf_free(&json);
    } else {
        FUZZ_CHECK(err.text[0] != '\0');
    }
    push_events_free(&events);
    return 0;
}
