/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/message/envelope.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/error.h"

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

static const struct json_node *root_of(const struct envelope *e)
{
    return json_outline_root(&e->outline);
}

/* The member of that path of a value that is given. */
static const struct json_node *member_of(const struct envelope *e, const struct json_node *node,
                                         struct str path)
{
    return json_outline_at(&e->outline, node, path);
}

static bool is_map(const struct json_node *node)
{
    return node != NULL && node->kind == OUTLINE_MAP;
}

static enum envelope_verdict open_structured(struct envelope *e)
{
    e->data = member_of(e, root_of(e), STR("data"));
    return is_map(root_of(e)) && !json_outline_absent(member_of(e, root_of(e), STR("specversion")))
               ? ENVELOPE_OPEN
               : ENVELOPE_NOT_JSON;
}

/* A schema may be around it, and then the change is the payload. What has no `op` changes no row:
 * heartbeats, and the beginnings and ends of transactions. */
static enum envelope_verdict open_change(struct envelope *e)
{
    if (!is_map(root_of(e))) {
        return ENVELOPE_NOT_JSON;
    }
    const struct json_node *payload = member_of(e, root_of(e), STR("payload"));
    if (is_map(payload) && member_of(e, root_of(e), STR("schema")) != NULL) {
        e->data = payload;
    }
    if (e->message->key.p != NULL) {
        (void)json_parse_usable(e->message->key, MESSAGE_VALUE_MAX, &e->key);
    }
    return json_outline_absent(member_of(e, e->data, STR("op"))) ? ENVELOPE_NOTHING : ENVELOPE_OPEN;
}

enum envelope_verdict envelope_open(struct envelope *e, enum message_format format,
                                    const struct message *message)
{
    e->format = format;
    e->message = message;
    (void)json_outline_read(&e->outline, message->value); /* empty where it is no JSON */
    e->data = root_of(e);
    if (format == MESSAGE_CLOUDEVENTS && open_binary(e)) {
        return ENVELOPE_OPEN;
    }
    if (message->value.p == NULL) {
        return ENVELOPE_NOTHING;
    }
    switch (format) {
    case MESSAGE_JSON:
        return is_map(root_of(e)) ? ENVELOPE_OPEN : ENVELOPE_NOT_JSON;
    case MESSAGE_CLOUDEVENTS:
        return open_structured(e);
    case MESSAGE_DEBEZIUM:
        return open_change(e);
    }
    return ENVELOPE_NOT_JSON;
}

void envelope_close(struct envelope *e)
{
    json_free(e->key);
    e->key = NULL;
    e->binary = false;
}

void envelope_free(struct envelope *e)
{
    json_outline_free(&e->outline);
    buf_free(&e->scratch);
    buf_free(&e->table);
    buf_free(&e->op);
}

/* ---- Texts ---- */

static const struct json_node *data_at(const struct envelope *e, struct str path)
{
    return member_of(e, e->data, path);
}

/* When a row was changed: at its database; else when Debezium saw it. */
static const struct json_node *change_time(const struct envelope *e)
{
    const struct json_node *time = data_at(e, STR("source.ts_ms"));
    int64_t ms;
    return json_outline_integer(&e->outline, time, &ms) && ms > 0 ? time : data_at(e, STR("ts_ms"));
}

/* The row as it is now; one that was deleted, as it was. */
static const struct json_node *changed_row(const struct envelope *e)
{
    const struct json_node *after = data_at(e, STR("after"));
    return is_map(after) ? after : data_at(e, STR("before"));
}

const struct json_node *envelope_json(const struct envelope *e, const struct message_place *place)
{
    switch (place->kind) {
    case PLACE_VALUE:
        return data_at(e, place->name);
    case PLACE_ATTRIBUTE:
        return e->binary ? NULL : member_of(e, root_of(e), place->name);
    case PLACE_CHANGE_TIME:
        return change_time(e);
    case PLACE_CHANGE_ROW:
        return member_of(e, changed_row(e), place->name);
    case PLACE_NONE:
    case PLACE_KEY:
    case PLACE_HEADER:
    case PLACE_TOPIC:
    case PLACE_PARTITION:
    case PLACE_TIME:
    case PLACE_CHANGE_TYPE:
        break;
    }
    return NULL;
}

/* `orders.updated`: the table, and what was done. */
static struct str change_type(struct envelope *e)
{
    static const char *const words[][2] = {{"c", "created"}, {"u", "updated"},   {"d", "deleted"},
                                           {"r", "read"},    {"t", "truncated"}, {"m", "message"}};
    struct str op;
    struct str table;
    const struct json_node *name = data_at(e, STR("source.table"));
    if (!json_outline_text(&e->outline, data_at(e, STR("op")), &e->op, &op)) {
        return STR_NULL;
    }
    if (name == NULL || name->kind != OUTLINE_STRING) {
        name = data_at(e, STR("source.collection"));
    }
    if (!json_outline_text(&e->outline, name, &e->table, &table)) {
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

/* As SQL writes it. */
static void append_number(struct buf *out, double number)
{
    char digits[JSON_NUMBER_SIZE];
    buf_append(out, digits, json_number_text(number, digits));
    buf_append_text(out, strpbrk(digits, ".eEn") == NULL ? ".0" : "");
}

/* ---- Keys ---- */

/* Appends a value that is no list and no map. */
static bool append_scalar(struct buf *out, const struct json_value *value)
{
    struct str text;
    int64_t integer;
    double number;
    bool boolean;
    if (json_as_str(value, &text) || json_as_digits(value, &text)) {
        buf_append_str(out, text);
    } else if (json_as_int(value, &integer)) {
        buf_printf(out, "%" PRId64, integer);
    } else if (json_as_bool(value, &boolean)) {
        buf_append_text(out, boolean ? "true" : "false");
    } else if (json_as_number(value, &number)) {
        append_number(out, number);
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

/* A key that is no map and has no text of its own is taken as it is written. */
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

/* ---- Places ---- */

static struct str number_text(struct envelope *e, const struct json_node *value)
{
    double number;
    if (!json_outline_number(&e->outline, value, &number)) {
        return STR_NULL;
    }
    buf_clear(&e->scratch);
    append_number(&e->scratch, number);
    return buf_str(&e->scratch);
}

/* The value's text itself where it is a list or a map, so that its numbers stay as they are. */
static struct str json_text(struct envelope *e, const struct json_node *value)
{
    const struct str raw = json_outline_raw(&e->outline, value);
    struct str text = STR_NULL;
    switch (value != NULL ? (enum json_outline_kind)value->kind : OUTLINE_NULL) {
    case OUTLINE_NULL:
    case OUTLINE_UNUSABLE:
        return STR_NULL;
    case OUTLINE_STRING:
        (void)json_outline_text(&e->outline, value, &e->scratch, &text);
        return text;
    case OUTLINE_REAL:
        return number_text(e, value);
    case OUTLINE_INTEGER:
        return str_is(raw, "-0") ? STR("0") : raw;
    case OUTLINE_BOOL:
    case OUTLINE_LIST:
    case OUTLINE_MAP:
        break;
    }
    return raw;
}

static struct str header_text(const struct envelope *e, const char *prefix, struct str name)
{
    const struct message *m = e->message;
    return m->header != NULL ? m->header(m->header_arg, prefix, name) : STR_NULL;
}

struct str envelope_text(struct envelope *e, const struct message_place *place)
{
    switch (place->kind) {
    case PLACE_ATTRIBUTE:
        return e->binary ? header_text(e, e->prefix, place->name)
                         : json_text(e, envelope_json(e, place));
    case PLACE_VALUE:
    case PLACE_CHANGE_TIME:
    case PLACE_CHANGE_ROW:
        return json_text(e, envelope_json(e, place));
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
    case PLACE_TIME:
    case PLACE_NONE:
        break;
    }
    return STR_NULL;
}

struct str envelope_payload(struct envelope *e, const struct message_place *place, bool configured)
{
    const struct json_node *value = envelope_json(e, place);
    if (value == NULL && place->kind != PLACE_VALUE) {
        return envelope_text(e, place); /* of a header, say, that holds JSON */
    }
    if (!json_outline_absent(value)) {
        return json_outline_raw(&e->outline, value);
    }
    return configured ? STR_NULL : json_outline_raw(&e->outline, e->data);
}
