/* SPDX-License-Identifier: Apache-2.0 */
#include "common/push/push_body.h"

#include <inttypes.h>

#include "common/codec/json.h"
#include "common/codec/json_slice.h"

/* A body that is being read. */
struct reading {
    struct str body;
    struct push_events *out;
    bool cloudevents;
    struct error *err;
};

/* ---- Where it is ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str text)
{
    while (text.len != 0 && is_blank(text.p[0])) {
        text = (struct str){text.p + 1, text.len - 1};
    }
    while (text.len != 0 && is_blank(text.p[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Puts in front of what is wrong which event it is wrong with, and where that one begins. */
static int blame(struct reading *r, int status, struct str text)
{
    return error_prefix(r->err, status, "event %zu, which begins at byte %zu of the body",
                        r->out->count + 1, (size_t)(text.p - r->body.p));
}

/* ---- One event ---- */

/* What is read of one event; the texts point into the document, the body and `digits`. */
struct one {
    struct reading *r;
    struct str text;
    struct pushed_event event;
    char digits[EVENT_FIELDS][24];
    int status;
};

static int take_payload(struct one *one, const char *member)
{
    struct str payload;
    if (json_slice(one->text, str_of(member), &payload)) {
        one->event.fields[EVENT_PAYLOAD] = payload;
    }
    return STATUS_OK;
}

/* Ids and times may be written as numbers. */
static int take_text(struct one *one, enum event_field field, const char *name,
                     const struct json_value *value)
{
    const bool number = field != EVENT_TYPE && field != EVENT_SUMMARY;
    struct str *out = &one->event.fields[field];
    int64_t integer;
    if (json_absent(value) || json_as_str(value, out) || (number && json_as_digits(value, out))) {
        return STATUS_OK;
    }
    if (number && json_as_int(value, &integer)) {
        const int len =
            snprintf(one->digits[field], sizeof one->digits[field], "%" PRId64, integer);
        *out = (struct str){one->digits[field], (size_t)len};
        return STATUS_OK;
    }
    return error_set(one->r->err, STATUS_INVALID, "%s is no text%s", name,
                     number ? ", and no whole number" : "");
}

static bool on_member(void *arg, struct str name, const struct json_value *value)
{
    struct one *one = arg;
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        if (str_is(name, event_fields[i].name)) {
            one->status = i != EVENT_PAYLOAD
                              ? take_text(one, (enum event_field)i, event_fields[i].name, value)
                          : json_absent(value) ? STATUS_OK
                                               : take_payload(one, event_fields[i].name);
            return one->status == STATUS_OK;
        }
    }
    one->status = error_set(one->r->err, STATUS_INVALID,
                            "\"%.*s\" is no field of an event; these are event_type, timestamp, "
                            "actor_id, target_id, summary and payload, which may hold anything",
                            (int)(name.len < 64 ? name.len : 64), name.p);
    return false;
}

static const struct {
    const char *attribute;
    enum event_field field;
} attributes[] = {
    {"type", EVENT_TYPE},
    {"time", EVENT_TIMESTAMP},
    {"source", EVENT_ACTOR},
    {"subject", EVENT_TARGET},
};

static int check_cloudevent(struct reading *r, struct str version, struct str id, struct str source)
{
    if (!str_is(version, "1.0")) {
        return error_set(r->err, STATUS_INVALID,
                         "it is no CloudEvent of specversion 1.0; plain events are sent as "
                         "application/json");
    }
    return id.len != 0 && source.len != 0
               ? STATUS_OK
               : error_set(r->err, STATUS_INVALID, "a CloudEvent has an id and a source");
}

static int take_cloudevent(struct one *one, const struct json_value *root)
{
    struct str version = STR_NULL;
    struct str id = STR_NULL;
    struct str source = STR_NULL;
    (void)json_as_str(json_member(root, STR("specversion")), &version);
    (void)json_as_str(json_member(root, STR("id")), &id);
    (void)json_as_str(json_member(root, STR("source")), &source);
    int status = check_cloudevent(one->r, version, id, source);
    for (size_t i = 0; status == STATUS_OK && i < sizeof attributes / sizeof attributes[0]; i++) {
        status = take_text(one, attributes[i].field, attributes[i].attribute,
                           json_member(root, str_of(attributes[i].attribute)));
    }
    if (status == STATUS_OK && !json_absent(json_member(root, STR("data_base64")))) {
        return error_set(one->r->err, STATUS_INVALID,
                         "a payload is JSON: send it as `data`, and not as `data_base64`");
    }
    if (status == STATUS_OK && !json_absent(json_member(root, STR("data")))) {
        status = take_payload(one, "data");
    }
    return status;
}

/* Adds an event that was read, if it is good and may be pushed. */
static int add(struct reading *r, const struct pushed_event *event)
{
    struct push_events *out = r->out;
    const struct str type = event->fields[EVENT_TYPE];
    const int status = pushed_event_check(event, r->err);
    if (status != STATUS_OK) {
        return status;
    }
    if (out->may != NULL && !out->may(out->arg, type)) {
        return error_set(r->err, STATUS_DENIED, "you may not push events of the type %.*s",
                         (int)type.len, type.p);
    }
    if (out->count == PUSH_EVENTS_MAX) {
        return error_set(r->err, STATUS_FULL, "a push has at most %d events: send them in parts",
                         PUSH_EVENTS_MAX);
    }
    pushed_event_put(&out->maps, event);
    out->count++;
    return STATUS_OK;
}

static int read_one(struct reading *r, struct str text)
{
    struct one one = {.r = r, .text = text, .status = STATUS_OK};
    struct json_value *root = NULL;
    int status;
    if (json_parse_explained(text, PUSH_REQUEST_MAX, &root, r->err) != STATUS_OK) {
        status = STATUS_INVALID;
    } else if (!json_is_map(root)) {
        status = error_set(r->err, STATUS_INVALID, "it is no object");
    } else if (r->cloudevents) {
        status = take_cloudevent(&one, root);
    } else {
        json_each(root, on_member, &one);
        status = one.status;
    }
    if (status == STATUS_OK) {
        status = add(r, &one.event);
    }
    json_free(root);
    return status == STATUS_OK ? STATUS_OK : blame(r, status, text);
}

/* ---- Several ---- */

static int read_lines(struct reading *r)
{
    const char *end = r->body.p + r->body.len;
    int status = STATUS_OK;
    for (const char *at = r->body.p; status == STATUS_OK && at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const struct str line =
            trim((struct str){at, (size_t)((newline != NULL ? newline : end) - at)});
        if (line.len != 0) {
            status = read_one(r, line);
        }
        at = newline != NULL ? newline + 1 : end;
    }
    return status;
}

/* Where the item ends that begins at `at`: at a comma or bracket of the array itself. An item that
 * is no JSON may end anywhere; its reader says so. */
static const char *item_end(const char *at, const char *end)
{
    size_t depth = 0;
    bool quoted = false;
    for (; at < end; at++) {
        if (quoted && *at == '\\' && at + 1 < end) {
            at++; /* what is escaped, a quote above all, ends nothing */
        } else if (quoted) {
            quoted = *at != '"';
        } else if (*at == '"') {
            quoted = true;
        } else if (*at == '[' || *at == '{') {
            depth++;
        } else if (depth == 0 && (*at == ',' || *at == ']')) {
            return at;
        } else if (*at == ']' || *at == '}') {
            depth -= depth != 0;
        }
    }
    return end;
}

static int read_array(struct reading *r, struct str text)
{
    const char *end = text.p + text.len;
    const char *at = text.p + 1;
    if (str_is(trim((struct str){at, text.len - 1}), "]")) {
        return STATUS_OK; /* it has no events; the caller says so */
    }
    for (;;) {
        const char *stop = item_end(at, end);
        const int status = read_one(r, trim((struct str){at, (size_t)(stop - at)}));
        if (status != STATUS_OK) {
            return status;
        }
        if (stop == end) {
            return error_set(r->err, STATUS_INVALID, "the array that begins the body has no end");
        }
        at = stop + 1;
        if (*stop == ']') {
            break;
        }
    }
    return at == end ? STATUS_OK
                     : error_set(r->err, STATUS_INVALID,
                                 "there is more behind the end of the array, at byte %zu of the "
                                 "body",
                                 (size_t)(at - r->body.p));
}

/* An object is a whole body, or the first of several lines. */
static int read_object_or_lines(struct reading *r, struct str text)
{
    struct json_value *first = NULL;
    const char *newline = memchr(text.p, '\n', text.len);
    const struct str line = {text.p, newline != NULL ? (size_t)(newline - text.p) : text.len};
    const bool lines =
        newline != NULL && json_parse_usable(line, PUSH_REQUEST_MAX, &first) == STATUS_OK;
    json_free(first);
    return lines ? read_lines(r) : read_one(r, text);
}

/* ---- CloudEvents in headers ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Values are percent-encoded (CloudEvents, HTTP binding, 3.1.3.2). Returns what follows in out. */
static struct str decode(struct str value, struct buf *out)
{
    const size_t start = out->len;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];
        if (c == '%' && i + 2 < value.len && hex_digit(value.p[i + 1]) >= 0 &&
            hex_digit(value.p[i + 2]) >= 0) {
            c = (char)(hex_digit(value.p[i + 1]) * 16 + hex_digit(value.p[i + 2]));
            i += 2;
        }
        buf_append_char(out, c);
    }
    return (struct str){out->data + start, out->len - start};
}

static int read_binary(struct reading *r, push_attribute_fn *attribute, void *arg)
{
    struct pushed_event event = {0};
    struct buf texts = {0};
    struct json_value *data = NULL;
    const struct str payload = trim(r->body);
    size_t bytes = 1;
    int status = check_cloudevent(r, attribute(arg, "specversion"), attribute(arg, "id"),
                                  attribute(arg, "source"));
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        bytes += attribute(arg, attributes[i].attribute).len;
    }
    (void)buf_reserve(&texts, bytes); /* the texts do not move */
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        const struct str value = attribute(arg, attributes[i].attribute);
        if (value.p != NULL) {
            event.fields[attributes[i].field] = decode(value, &texts);
        }
    }
    if (status == STATUS_OK && payload.len != 0) {
        event.fields[EVENT_PAYLOAD] = payload;
        status = json_parse_explained(payload, PUSH_REQUEST_MAX, &data, r->err);
        if (status != STATUS_OK) {
            status = error_prefix(r->err, STATUS_INVALID, "the data has to be JSON");
        }
        json_free(data);
    }
    status = status == STATUS_OK ? add(r, &event) : status;
    buf_free(&texts);
    return status;
}

/* ---- All of it ---- */

static int read_format(struct reading *r, enum push_format format, struct str text,
                       push_attribute_fn *attribute, void *arg)
{
    const bool array = text.len != 0 && text.p[0] == '[';
    switch (format) {
    case PUSH_JSON:
        return array ? read_array(r, text) : read_object_or_lines(r, text);
    case PUSH_LINES:
        return read_lines(r);
    case PUSH_CLOUDEVENT:
        return read_one(r, text);
    case PUSH_CLOUDEVENTS:
        return array ? read_array(r, text)
                     : error_set(r->err, STATUS_INVALID, "a batch of CloudEvents is an array");
    case PUSH_BINARY_EVENT:
        return read_binary(r, attribute, arg);
    }
    return STATUS_INVALID;
}

int push_body_read(struct str body, enum push_format format, push_attribute_fn *attribute,
                   void *arg, struct push_events *out, struct error *err)
{
    const bool cloudevents = format == PUSH_CLOUDEVENT || format == PUSH_CLOUDEVENTS;
    struct reading r = {body, out, cloudevents, err};
    const struct str text = trim(body);
    if (body.len > PUSH_REQUEST_MAX) {
        return error_set(err, STATUS_FULL, "a push has at most %zu bytes: send it in parts",
                         PUSH_REQUEST_MAX);
    }
    int status;
    if (text.len == 0 && format != PUSH_BINARY_EVENT) {
        status = error_set(err, STATUS_INVALID,
                           "the body is empty: send an event, such as "
                           "{\"event_type\":\"deploy\"}");
    } else {
        status = read_format(&r, format, text, attribute, arg);
    }
    if (status == STATUS_OK && out->count == 0) {
        status = error_set(err, STATUS_INVALID, "there is no event in the body");
    }
    return status;
}

void push_events_free(struct push_events *events)
{
    buf_free(&events->maps);
    events->count = 0;
}
