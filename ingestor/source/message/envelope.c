/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/message/envelope.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/error.h"
#include "common/codec/json_slice.h"

/* ---- Opening ---- */

static bool has_header(const struct message *m, const char *prefix, struct str name)
{
    return m->header != NULL && m->header(m->header_arg, prefix, name).p != NULL;
}

/* Kafka's headers begin with ce_, those of NATS and HTTP with ce-. Data that is no JSON is no
 * payload, and no fault. */
static bool open_binary(struct envelope *e)
{
    static const char *const prefixes[] = {"ce_", "ce-"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && !e->binary; i++) {
        e->binary = has_header(e->message, prefixes[i], STR("specversion"));
        e->prefix = prefixes[i];
    }
    return e->binary;
}

static enum envelope_verdict open_structured(struct envelope *e)
{
    e->data = "data";
    return json_is_map(e->root) && !json_absent(json_at(e->root, STR("specversion")))
               ? ENVELOPE_OPEN
               : ENVELOPE_NOT_JSON;
}

/* A schema may be around it, and then the change is the payload. What has no `op` changes no row:
 * heartbeats, and the beginnings and ends of transactions. */
static enum envelope_verdict open_change(struct envelope *e)
{
    if (!json_is_map(e->root)) {
        return ENVELOPE_NOT_JSON;
    }
    if (json_is_map(json_at(e->root, STR("payload"))) && json_at(e->root, STR("schema")) != NULL) {
        e->data = "payload";
    }
    const struct json_value *change = json_at(e->root, str_of(e->data));
    if (e->message->key.p != NULL) {
        (void)json_parse_usable(e->message->key, MESSAGE_VALUE_MAX, &e->key);
    }
    return json_absent(json_at(change, STR("op"))) ? ENVELOPE_NOTHING : ENVELOPE_OPEN;
}

enum envelope_verdict envelope_open(struct envelope *e, enum message_format format,
                                    const struct message *message)
{
    e->format = format;
    e->message = message;
    e->data = "";
    (void)json_parse_usable(message->value, MESSAGE_VALUE_MAX, &e->root); /* NULL: it is no JSON */
    if (format == MESSAGE_CLOUDEVENTS && open_binary(e)) {
        return ENVELOPE_OPEN;
    }
    if (message->value.p == NULL) {
        return ENVELOPE_NOTHING;
    }
    switch (format) {
    case MESSAGE_JSON:
        return json_is_map(e->root) ? ENVELOPE_OPEN : ENVELOPE_NOT_JSON;
    case MESSAGE_CLOUDEVENTS:
        return open_structured(e);
    case MESSAGE_DEBEZIUM:
        return open_change(e);
    }
    return ENVELOPE_NOT_JSON;
}

void envelope_close(struct envelope *e)
{
    json_free(e->root);
    json_free(e->key);
    e->root = NULL;
    e->key = NULL;
    e->binary = false;
}

void envelope_free(struct envelope *e)
{
    buf_free(&e->scratch);
}

/* ---- Texts ---- */

/* Joins the data's path and one within it; the result stands in the scratch. */
static struct str path_of(struct envelope *e, struct str inner)
{
    if (e->data[0] == '\0' || inner.len == 0) {
        return inner.len == 0 ? str_of(e->data) : inner;
    }
    buf_clear(&e->scratch);
    buf_append_text(&e->scratch, e->data);
    buf_append_char(&e->scratch, '.');
    buf_append_str(&e->scratch, inner);
    return buf_str(&e->scratch);
}

static const struct json_value *data_at(const struct envelope *e, struct str path)
{
    return json_at(json_at(e->root, str_of(e->data)), path);
}

/* When a row was changed: at its database; else when Debezium saw it. */
static const struct json_value *change_time(const struct envelope *e)
{
    const struct json_value *time = data_at(e, STR("source.ts_ms"));
    int64_t ms;
    return json_as_int(time, &ms) && ms > 0 ? time : data_at(e, STR("ts_ms"));
}

const struct json_value *envelope_json(const struct envelope *e, const struct message_place *place)
{
    if (place->kind == PLACE_VALUE) {
        return data_at(e, place->name);
    }
    if (place->kind == PLACE_ATTRIBUTE && !e->binary) {
        return json_at(e->root, place->name);
    }
    return place->kind == PLACE_CHANGE_TIME ? change_time(e) : NULL;
}

/* `orders.updated`: the table, and what was done. */
static struct str change_type(struct envelope *e)
{
    static const char *const words[][2] = {{"c", "created"}, {"u", "updated"},   {"d", "deleted"},
                                           {"r", "read"},    {"t", "truncated"}, {"m", "message"}};
    struct str op;
    struct str table;
    if (!json_as_str(data_at(e, STR("op")), &op)) {
        return STR_NULL;
    }
    if (!json_as_str(data_at(e, STR("source.table")), &table) &&
        !json_as_str(data_at(e, STR("source.collection")), &table)) {
        table = e->message->topic;
    }
    buf_clear(&e->scratch);
    buf_append_str(&e->scratch, table);
    buf_append_char(&e->scratch, '.');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_is(op, words[i][0])) {
            buf_append_text(&e->scratch, words[i][1]);
            return buf_str(&e->scratch);
        }
    }
    buf_append_str(&e->scratch, op);
    return buf_str(&e->scratch);
}

/* Appends a value that is no list and no map. */
static bool append_scalar(struct buf *out, const struct json_value *value)
{
    struct str text;
    int64_t integer;
    double number;
    bool boolean;
    char digits[JSON_NUMBER_SIZE];
    if (json_as_str(value, &text) || json_as_digits(value, &text)) {
        buf_append_str(out, text);
    } else if (json_as_int(value, &integer)) {
        buf_printf(out, "%" PRId64, integer);
    } else if (json_as_bool(value, &boolean)) {
        buf_append_text(out, boolean ? "true" : "false");
    } else if (json_as_number(value, &number)) {
        const size_t len = json_number_text(number, digits);
        buf_append(out, digits, len);
        buf_append_text(out, strpbrk(digits, ".eEn") == NULL ? ".0" : "");
    } else {
        return false;
    }
    return true;
}

/* A key of Debezium is a map of the columns of the primary key. */
struct key_text {
    struct buf *out;
    bool any;
};

static bool append_key_member(void *arg, struct str name, const struct json_value *value)
{
    struct key_text *key = arg;
    (void)name;
    buf_append_text(key->out, key->any ? "," : "");
    key->any = true;
    (void)append_scalar(key->out, value);
    return true;
}

static struct str key_text(struct envelope *e)
{
    const struct json_value *key = e->key;
    if (e->format != MESSAGE_DEBEZIUM || key == NULL) {
        return e->message->key;
    }
    if (json_is_map(json_at(key, STR("payload"))) && json_at(key, STR("schema")) != NULL) {
        key = json_at(key, STR("payload"));
    }
    buf_clear(&e->scratch);
    if (json_is_map(key)) {
        struct key_text text = {.out = &e->scratch};
        json_each(key, append_key_member, &text);
        return text.any ? buf_str(&e->scratch) : STR_NULL;
    }
    return append_scalar(&e->scratch, key) ? buf_str(&e->scratch) : e->message->key;
}

/* The value's text itself where it is a list or a map, so that its numbers stay as they are. */
static struct str json_text(struct envelope *e, const struct json_value *value, struct str path)
{
    struct str text;
    if (json_absent(value) || json_is_unusable(value)) {
        return STR_NULL;
    }
    if (json_as_str(value, &text)) {
        return text;
    }
    if (json_is_map(value) || json_is_list(value)) {
        return json_slice(e->message->value, path, &text) ? text : STR_NULL;
    }
    buf_clear(&e->scratch);
    return append_scalar(&e->scratch, value) ? buf_str(&e->scratch) : STR_NULL;
}

static struct str header_text(const struct envelope *e, const char *prefix, struct str name)
{
    const struct message *m = e->message;
    return m->header != NULL ? m->header(m->header_arg, prefix, name) : STR_NULL;
}

struct str envelope_text(struct envelope *e, const struct message_place *place)
{
    switch (place->kind) {
    case PLACE_VALUE:
        return json_text(e, data_at(e, place->name), path_of(e, place->name));
    case PLACE_ATTRIBUTE:
        return e->binary ? header_text(e, e->prefix, place->name)
                         : json_text(e, json_at(e->root, place->name), place->name);
    case PLACE_KEY:
        return key_text(e);
    case PLACE_HEADER:
        return header_text(e, "", place->name);
    case PLACE_TOPIC:
        return e->message->topic;
    case PLACE_PARTITION:
        buf_clear(&e->scratch);
        buf_printf(&e->scratch, "%" PRId32, e->message->partition);
        return buf_str(&e->scratch);
    case PLACE_CHANGE_TYPE:
        return change_type(e);
    case PLACE_CHANGE_TIME:
        return json_text(e, change_time(e), STR(""));
    case PLACE_TIME:
    case PLACE_NONE:
        break;
    }
    return STR_NULL;
}

struct str envelope_payload(struct envelope *e, const struct message_place *place, bool configured)
{
    const struct json_value *value = envelope_json(e, place);
    struct str text;
    if (place->kind == PLACE_CHANGE_TIME || (value == NULL && place->kind != PLACE_VALUE)) {
        return envelope_text(e, place); /* of a header, say, that holds JSON */
    }
    if (place->kind == PLACE_ATTRIBUTE && !json_absent(value)) { /* it is no part of the data */
        return json_slice(e->message->value, place->name, &text) ? text : STR_NULL;
    }
    if (!json_absent(value)) {
        return json_slice(e->message->value, path_of(e, place->name), &text) ? text : STR_NULL;
    }
    return !configured && data_at(e, STR("")) != NULL &&
                   json_slice(e->message->value, str_of(e->data), &text)
               ? text
               : STR_NULL;
}
