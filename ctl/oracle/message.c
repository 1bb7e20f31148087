/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec/json.h"
#include "common/codec/json_slice.h"
#include "ctl/oracle/moment.h"

#define YEAR_9999_MS INT64_C(253402300799999) /* its last millisecond */
#define VALUE_MAX ((size_t)4 * 1024 * 1024)   /* bytes of a value; docs/messages.md */

/* What a message is made of, once its format is known. */
struct parts {
    const struct config_source *source;
    const struct oracle_message *message;
    struct arena *memory;
    struct json_value *json; /* of the value; NULL: it is no JSON */
    struct json_value *key;  /* of the key, likewise */
    const char *ce;          /* how headers with attributes begin; NULL: they are in the value */
    const char *inner;       /* the member that holds the data; "": the value itself */
};

/* Something at a place: JSON, or a text, or neither. */
struct found {
    const struct json_value *json;
    const char *path; /* of the JSON in the value; NULL: it is of the key */
    struct str text;
};

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const struct json_value *member(const struct json_value *value, const char *path)
{
    return json_at(value, str_of(path));
}

static struct found in_json(const struct parts *p, const char *path)
{
    return (struct found){.json = member(p->json, path), .path = path};
}

/* JSON as it is written. */
static struct str raw_of(const struct parts *p, const struct found *found)
{
    struct str raw;
    return found->json != NULL && found->path != NULL &&
                   json_slice(p->message->value, str_of(found->path), &raw)
               ? raw
               : STR_NULL;
}

static struct found in_data(const struct parts *p, const char *path)
{
    if (p->inner[0] == '\0') {
        return in_json(p, path);
    }
    return in_json(p,
                   path[0] == '\0' ? p->inner : arena_printf(p->memory, "%s.%s", p->inner, path));
}

static struct found in_headers(const struct parts *p, const char *prefix, const char *name)
{
    const char *whole = arena_printf(p->memory, "%s%s", prefix, name);
    return (struct found){.text = p->message->header(p->message, whole)};
}

/* A number as SQL writes it: whole ones with .0, others with as many digits as they need. */
static struct str real_text(const struct parts *p, double number)
{
    char *text = NULL;
    for (int digits = 15; digits <= 17; digits++) {
        text = arena_printf(p->memory, "%.*g", digits, number);
        if (fabs(strtod(text, NULL) - number) <= 0) {
            break;
        }
    }
    if (text != NULL && strcspn(text, ".e") == strlen(text)) {
        text = arena_printf(p->memory, "%s.0", text);
    }
    return str_of(text);
}

static struct str text_of(const struct parts *p, const struct found *found)
{
    struct str text;
    int64_t integer;
    double real;
    bool truth;
    if (found->json == NULL || json_absent(found->json)) {
        return found->text;
    }
    if (json_as_str(found->json, &text) || json_as_digits(found->json, &text)) {
        return text;
    }
    if (json_as_int(found->json, &integer)) {
        return str_of(arena_printf(p->memory, "%lld", (long long)integer));
    }
    if (json_as_bool(found->json, &truth)) {
        return truth ? STR("true") : STR("false");
    }
    if (json_as_number(found->json, &real)) {
        return real_text(p, real);
    }
    return json_is_map(found->json) || json_is_list(found->json) ? raw_of(p, found) : STR_NULL;
}

/* ---- Debezium ---- */

static struct str change_type(const struct parts *p)
{
    struct str op = STR_NULL;
    struct str table = p->message->topic;
    const char *done = NULL;
    (void)json_as_str(in_data(p, "op").json, &op);
    if (!json_as_str(in_data(p, "source.table").json, &table)) {
        (void)json_as_str(in_data(p, "source.collection").json, &table);
    }
    if (op.p == NULL) {
        return STR_NULL;
    }
    switch (op.len == 1 ? op.p[0] : '?') {
    case 'c':
        done = "created";
        break;
    case 'u':
        done = "updated";
        break;
    case 'd':
        done = "deleted";
        break;
    case 'r':
        done = "read";
        break;
    case 't':
        done = "truncated";
        break;
    case 'm':
        done = "message";
        break;
    default:
        done = arena_printf(p->memory, "%.*s", (int)op.len, op.p);
        break;
    }
    return str_of(arena_printf(p->memory, "%.*s.%s", (int)table.len, table.p, done));
}

struct joined {
    const struct parts *parts;
    const char *text;
};

static bool join_member(void *arg, struct str name, const struct json_value *value)
{
    struct joined *joined = arg;
    const struct found found = {.json = value};
    (void)name;
    const struct str text = text_of(joined->parts, &found);
    joined->text =
        arena_printf(joined->parts->memory, "%s%s%.*s", joined->text != NULL ? joined->text : "",
                     joined->text != NULL ? "," : "", (int)text.len, text.p != NULL ? text.p : "");
    return true;
}

/* The values of the primary key, joined by commas. */
static struct str row_key(const struct parts *p)
{
    const struct json_value *key = p->key;
    struct joined joined = {.parts = p};
    if (member(key, "schema") != NULL && json_is_map(member(key, "payload"))) {
        key = member(key, "payload");
    }
    if (json_is_map(key)) {
        json_each(key, join_member, &joined);
        return joined.text != NULL ? str_of(joined.text) : STR_NULL;
    }
    const struct found found = {.json = key};
    const struct str text = json_is_list(key) ? STR_NULL : text_of(p, &found);
    return text.p != NULL ? text : p->message->key; /* a list; null; what no text can be */
}

/* ---- Places ---- */

static struct found find(const struct parts *p, const char *place)
{
    const struct oracle_message *m = p->message;
    int64_t ms;
    if (begins(place, "value.")) {
        return in_data(p, place + strlen("value."));
    }
    if (strcmp(place, "value") == 0) {
        return in_data(p, "");
    }
    if (begins(place, "header.")) {
        return in_headers(p, "", place + strlen("header."));
    }
    if (begins(place, "ce.")) {
        const char *name = place + strlen("ce.");
        return p->ce != NULL ? in_headers(p, p->ce, name) : in_json(p, name);
    }
    if (strcmp(place, "key") == 0) {
        return (struct found){.text = p->source->format == MESSAGE_DEBEZIUM ? row_key(p) : m->key};
    }
    if (strcmp(place, "topic") == 0) {
        return (struct found){.text = m->topic};
    }
    if (strcmp(place, "partition") == 0) {
        return (struct found){.text = str_of(arena_printf(p->memory, "%d", (int)m->partition))};
    }
    if (strcmp(place, "change.type") == 0) {
        return (struct found){.text = change_type(p)};
    }
    if (strcmp(place, "change.time") == 0) {
        const struct found found = in_data(p, "source.ts_ms");
        return json_as_int(found.json, &ms) && ms > 0 ? found : in_data(p, "ts_ms");
    }
    if (begins(place, "change.row")) {
        const char *column = place + strlen("change.row"); /* ".id", or nothing */
        const bool there = json_is_map(in_data(p, "after").json);
        return in_data(p, arena_printf(p->memory, "%s%s", there ? "after" : "before", column));
    }
    return (struct found){0};
}

static bool moment(const struct parts *p, const struct config_column *column, int64_t *us)
{
    const char *zone = p->source->local.time_zone;
    const bool own = column->name != NULL && strcmp(column->name, "timestamp") == 0;
    const struct found found = column->name != NULL ? find(p, column->name) : (struct found){0};
    struct str text = found.text;
    int64_t integer;
    double real;
    if (found.json != NULL && !json_absent(found.json)) {
        if (json_as_int(found.json, &integer)) {
            return oracle_moment_of_integer(integer, zone, us);
        }
        if (json_as_number(found.json, &real)) {
            return oracle_moment_of_real(real, zone, us);
        }
        return json_as_str(found.json, &text) && oracle_moment_of_text(text, zone, us);
    }
    if (text.p != NULL) {
        return oracle_moment_of_text(text, zone, us);
    }
    if (p->message->time_ms < 0 || p->message->time_ms > YEAR_9999_MS) {
        return false;
    }
    *us = p->message->time_ms * 1000;
    return own || !column->configured;
}

/* The payload is JSON as it is written; a message without one is its own. */
static struct str payload(const struct parts *p, const struct config_column *column)
{
    const struct found found = column->name != NULL ? find(p, column->name) : (struct found){0};
    if (found.json == NULL && column->name != NULL && !begins(column->name, "value")) {
        return found.text;
    }
    if (found.json != NULL && !json_absent(found.json)) {
        return raw_of(p, &found);
    }
    const struct found all = in_data(p, "");
    return column->configured ? STR_NULL : raw_of(p, &all);
}

/* ---- Formats ---- */

static enum oracle_message_kind open_format(struct parts *p)
{
    switch (p->source->format) {
    case MESSAGE_CLOUDEVENTS:
        p->ce = in_headers(p, "ce_", "specversion").text.p != NULL   ? "ce_"
                : in_headers(p, "ce-", "specversion").text.p != NULL ? "ce-"
                                                                     : NULL;
        if (p->ce != NULL) {
            return ORACLE_MESSAGE_ROW;
        }
        p->inner = "data";
        if (p->message->value.p == NULL) {
            return ORACLE_MESSAGE_NOTHING;
        }
        return json_absent(member(p->json, "specversion")) ? ORACLE_MESSAGE_BAD
                                                           : ORACLE_MESSAGE_ROW;
    case MESSAGE_DEBEZIUM:
        if (p->message->value.p == NULL) {
            return ORACLE_MESSAGE_NOTHING;
        }
        if (!json_is_map(p->json)) {
            return ORACLE_MESSAGE_BAD;
        }
        if (member(p->json, "schema") != NULL && json_is_map(member(p->json, "payload"))) {
            p->inner = "payload";
        }
        return json_absent(in_data(p, "op").json) ? ORACLE_MESSAGE_NOTHING : ORACLE_MESSAGE_ROW;
    case MESSAGE_JSON:
        break;
    }
    return p->message->value.p == NULL ? ORACLE_MESSAGE_NOTHING
           : json_is_map(p->json)      ? ORACLE_MESSAGE_ROW
                                       : ORACLE_MESSAGE_BAD;
}

static struct str own_copy(const struct parts *p, struct str text)
{
    return text.p == NULL
               ? STR_NULL
               : (struct str){memcpy(arena_array(p->memory, text.len + 1, 1), text.p, text.len),
                              text.len};
}

enum oracle_message_kind oracle_message_read(const struct config_source *source,
                                             const struct oracle_message *message,
                                             struct arena *memory, struct str *texts, bool *timed,
                                             int64_t *us)
{
    struct parts p = {.source = source, .message = message, .memory = memory, .inner = ""};
    if (message->value.len > VALUE_MAX) {
        return ORACLE_MESSAGE_BAD;
    }
    if (message->value.p != NULL) {
        (void)json_parse_usable(message->value, VALUE_MAX, &p.json);
    }
    if (source->format == MESSAGE_DEBEZIUM && message->key.p != NULL) {
        (void)json_parse_usable(message->key, VALUE_MAX, &p.key);
    }
    const enum oracle_message_kind kind = open_format(&p);
    for (size_t i = EVENT_TYPE; kind == ORACLE_MESSAGE_ROW && i < oracle_column_count(source);
         i++) {
        const char *place = oracle_column(source, i);
        const struct found found = place != NULL ? find(&p, place) : (struct found){0};
        texts[i] = own_copy(&p, i == EVENT_PAYLOAD ? payload(&p, &source->columns[i])
                                                   : text_of(&p, &found));
    }
    *timed = kind == ORACLE_MESSAGE_ROW && moment(&p, &source->columns[EVENT_TIMESTAMP], us);
    json_free(p.json);
    json_free(p.key);
    return kind;
}
