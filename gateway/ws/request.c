/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/request.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"

struct reading {
    struct ws_request *out;
    struct buf *list; /* that is read now */
    struct error *err;
    bool ok;
};

static bool refuse(struct reading *reading, const char *sentence)
{
    (void)error_set(reading->err, STATUS_INVALID, "%s", sentence);
    reading->ok = false;
    return false;
}

static bool on_pattern(void *arg, const struct json_value *item)
{
    struct reading *reading = arg;
    struct str pattern;
    if (!json_as_str(item, &pattern) || pattern.len == 0 ||
        memchr(pattern.p, ',', pattern.len) != NULL ||
        memchr(pattern.p, '\0', pattern.len) != NULL) {
        return refuse(reading, "A pattern is a string in which * stands for any characters.");
    }
    if (reading->list->len + pattern.len + 1 > SELECTION_TEXT_MAX) {
        return refuse(reading, "Too many patterns: at most 256, of 4096 bytes in all.");
    }
    buf_append_text(reading->list, reading->list->len != 0 ? "," : "");
    buf_append_str(reading->list, pattern);
    return true;
}

static bool read_list(struct reading *reading, struct buf *list, const struct json_value *value)
{
    if (!json_is_list(value)) {
        return refuse(reading, "subscribe and unsubscribe are lists of patterns.");
    }
    reading->list = list;
    json_each_item(value, on_pattern, reading);
    return reading->ok;
}

static bool read_form(struct reading *reading, const struct json_value *value)
{
    struct str form;
    if (!json_as_str(value, &form) || (!str_is(form, "full") && !str_is(form, "patch"))) {
        return refuse(reading, "form is full or patch.");
    }
    reading->out->form = str_is(form, "patch") ? WS_FORM_PATCH : WS_FORM_FULL;
    return true;
}

static bool read_stream(struct reading *reading, const struct json_value *value)
{
    struct str stream;
    if (!json_as_str(value, &stream) || (!str_is(stream, "tiles") && !str_is(stream, "events"))) {
        return refuse(reading, "stream is tiles or events.");
    }
    reading->out->topic = str_is(stream, "events") ? WS_TOPIC_EVENTS : WS_TOPIC_TILES;
    return true;
}

/* A tile stream's id, a string; or an event's, which is a string or a number. */
static bool read_cursor(struct reading *reading, const struct json_value *value)
{
    struct str text;
    int64_t id;
    if (json_as_int(value, &id)) {
        buf_printf(&reading->out->cursor, "%lld", (long long)id);
    } else if (json_as_str(value, &text)) {
        buf_append_str(&reading->out->cursor, text);
    } else if (!json_absent(value)) {
        return refuse(reading, "cursor is the id of the last message.");
    }
    return true;
}

static bool on_member(void *arg, struct str name, const struct json_value *value)
{
    struct reading *reading = arg;
    struct ws_request *out = reading->out;
    if (str_is(name, "subscribe")) {
        out->subscribes = true;
        return read_list(reading, &out->subscribe, value);
    }
    if (str_is(name, "unsubscribe")) {
        out->unsubscribes = true;
        return read_list(reading, &out->unsubscribe, value);
    }
    if (str_is(name, "form")) {
        return read_form(reading, value);
    }
    if (str_is(name, "stream")) {
        return read_stream(reading, value);
    }
    if (str_is(name, "cursor")) {
        return read_cursor(reading, value);
    }
    return refuse(reading, "Members are subscribe, unsubscribe, form, stream and cursor.");
}

int ws_request_parse(struct str text, struct ws_request *out, struct error *err)
{
    struct reading reading = {.out = out, .err = err, .ok = true};
    struct json_value *root = NULL;
    *out = (struct ws_request){0};
    if (json_parse(text, text.len, &root) != STATUS_OK) {
        return error_set(err, STATUS_INVALID, "That is not JSON.");
    }
    if (!json_is_map(root)) {
        (void)refuse(&reading, "A message is an object.");
    } else {
        json_each(root, on_member, &reading);
    }
    json_free(root);
    if (reading.ok && !out->subscribes && !out->unsubscribes) {
        (void)refuse(&reading, "A message has subscribe, or unsubscribe, or both.");
    }
    if (!reading.ok) {
        ws_request_free(out);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

void ws_request_free(struct ws_request *request)
{
    buf_free(&request->subscribe);
    buf_free(&request->unsubscribe);
    buf_free(&request->cursor);
    *request = (struct ws_request){0};
}

/* ---- Selections ---- */

static bool list_has(struct str list, struct str pattern)
{
    for (;;) {
        const char *comma = list.len != 0 ? memchr(list.p, ',', list.len) : NULL;
        const size_t len = comma != NULL ? (size_t)(comma - list.p) : list.len;
        if (str_equal((struct str){list.p, len}, pattern)) {
            return true;
        }
        if (comma == NULL) {
            return false;
        }
        list = (struct str){comma + 1, list.len - len - 1};
    }
}

/* The patterns of a selection that are not in the list; everything is the pattern `*`. */
static void append_patterns(struct buf *out, const struct selection *selection, struct str without)
{
    const struct str everything = STR("*");
    const struct str *patterns = selection->count != 0 ? selection->patterns : &everything;
    const size_t count = selection->count != 0 ? selection->count : 1;
    for (size_t i = 0; i < count; i++) {
        if (!list_has(without, patterns[i])) {
            buf_append_text(out, out->len != 0 ? "," : "");
            buf_append_str(out, patterns[i]);
        }
    }
}

int ws_selection_add(const struct selection *had, struct str patterns, struct selection *out)
{
    struct buf text = {0};
    buf_append_str(&text, patterns);
    if (had != NULL) {
        append_patterns(&text, had, patterns);
    }
    const int status = text.len != 0 ? selection_parse(out, buf_cstr(&text)) : STATUS_NOT_FOUND;
    buf_free(&text);
    return status;
}

int ws_selection_remove(const struct selection *had, struct str patterns, struct selection *out)
{
    struct buf text = {0};
    append_patterns(&text, had, patterns);
    const int status = text.len != 0 ? selection_parse(out, buf_cstr(&text)) : STATUS_NOT_FOUND;
    buf_free(&text);
    return status;
}
