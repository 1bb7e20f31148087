/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_entry.h"

#include <string.h>

#include "common/base/fnv.h"
#include "common/codec/json.h"

#define LAST_MS UINT64_C(253402300799999) /* of the year 9999 */
#define DIGEST_BYTES ((size_t)64)         /* of a field: each entry comes by there */
#define DIGEST_FIELDS 16

static struct str head(struct str text)
{
    return (struct str){text.p, text.len < DIGEST_BYTES ? text.len : DIGEST_BYTES};
}

uint64_t redis_entry_digest(const struct redis_entry *entry)
{
    uint64_t digest = fnv1a(FNV_BEGIN, entry->id_text);
    for (size_t i = 0; i < entry->count && i < DIGEST_FIELDS; i++) {
        digest = fnv1a(digest, head(entry->fields[i].name));
        digest = fnv1a(digest, head(entry->fields[i].value));
    }
    return digest;
}

/* ---- The value ---- */

static bool is_joined(struct str text, const char *prefix, struct str name)
{
    const size_t before = strlen(prefix);
    return text.len == before + name.len && memcmp(text.p, prefix, before) == 0 &&
           (name.len == 0 || memcmp(text.p + before, name.p, name.len) == 0);
}

/* The last field of that name; STR_NULL: there is none. */
static struct str field(const struct redis_entry *entry, const char *prefix, struct str name)
{
    for (size_t i = entry->count; i > 0; i--) {
        if (is_joined(entry->fields[i - 1].name, prefix, name)) {
            return entry->fields[i - 1].value;
        }
    }
    return STR_NULL;
}

static struct str header_of(void *arg, const char *prefix, struct str name)
{
    return field(arg, prefix, name);
}

static bool begins_json(struct str text)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'}; /* of JSON */
    while (text.len != 0 && memchr(blanks, text.p[0], sizeof blanks) != NULL) {
        text = (struct str){text.p + 1, text.len - 1};
    }
    return text.len != 0 && (text.p[0] == '{' || text.p[0] == '[');
}

static bool is_json(struct str text)
{
    struct json_value *json = NULL;
    const bool is = begins_json(text) &&
                    json_parse_usable(text, MESSAGE_VALUE_MAX, &json) == STATUS_OK && json != NULL;
    json_free(json);
    return is;
}

static void append_string(struct buf *out, struct str text)
{
    buf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\') {
            buf_append_char(out, '\\');
            buf_append_char(out, (char)c);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_append_char(out, (char)c);
        }
    }
    buf_append_char(out, '"');
}

/* An object of all fields. One that is JSON itself, a list or an object, is that; all others are
 * texts, so that none is changed. */
static struct str object_of(const struct redis_entry *entry, struct buf *scratch)
{
    buf_clear(scratch);
    for (size_t i = 0; i < entry->count; i++) {
        const struct redis_field *f = &entry->fields[i];
        buf_append_char(scratch, i == 0 ? '{' : ',');
        append_string(scratch, f->name);
        buf_append_char(scratch, ':');
        if (is_json(f->value)) {
            buf_append_str(scratch, f->value);
        } else {
            append_string(scratch, f->value);
        }
    }
    buf_append_text(scratch, entry->count == 0 ? "{}" : "}");
    return buf_str(scratch);
}

/* The field that holds the value where the file does not name one. */
static struct str usual_field(const struct redis_entry *entry)
{
    static const char *const names[] = {"data", "value", "payload"};
    struct str found = STR_NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && found.p == NULL; i++) {
        found = field(entry, names[i], STR(""));
    }
    return found;
}

/* What is not there is no JSON, and is counted as such. */
static struct str there(struct str text)
{
    return text.p != NULL ? text : STR("");
}

static struct str value_of(const struct redis_entry *entry, const struct config_source *source,
                           struct buf *scratch)
{
    if (source->redis.field != NULL) {
        return there(field(entry, source->redis.field, STR("")));
    }
    if (entry->count == 1 && begins_json(entry->fields[0].value)) {
        return entry->fields[0].value;
    }
    return source->format == MESSAGE_JSON ? object_of(entry, scratch) : there(usual_field(entry));
}

/* Debezium writes the key as the name of the one field, or into a field `key`. */
static struct str key_of(const struct redis_entry *entry)
{
    const struct str key = field(entry, "key", STR(""));
    return key.p != NULL || entry->count != 1 ? key : entry->fields[0].name;
}

struct message redis_entry_message(struct redis_entry *entry, const struct config_source *source,
                                   struct buf *scratch)
{
    const bool sound = entry->id.ms <= LAST_MS;
    return (struct message){
        .topic = str_of(source->redis.stream),
        .key = key_of(entry),
        .value = value_of(entry, source, scratch),
        .time = sound ? (wall_time){(int64_t)entry->id.ms * US_PER_MS} : WALL_NEVER,
        .header = header_of,
        .header_arg = entry,
    };
}
