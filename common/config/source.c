/* SPDX-License-Identifier: Apache-2.0 */
/* The `source` section: where the events table is, and what its columns are called. */
#include <stdio.h>
#include <string.h>

#include "common/config/reader.h"
#include "common/config/values.h"

#define NAME_MAX_BYTES 255 /* of a table or a column */

static const char *const password_advice =
    "a password may not stand in the configuration: put it into a file of its own and name that "
    "with password_file, or set PGPASSWORD in the environment";

static bool starts_with(struct str text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.p, prefix, len) == 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return found != NULL ? (int)(found - digits) : -1;
}

/* Does a parameter's name, which may be percent-encoded, say password? */
static bool names_password(struct str name)
{
    char plain[16];
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (c == '%' && i + 2 < name.len && hex_digit(name.p[i + 1]) >= 0 &&
            hex_digit(name.p[i + 2]) >= 0) {
            c = (char)(hex_digit(name.p[i + 1]) * 16 + hex_digit(name.p[i + 2]));
            i += 2;
        }
        if (len == sizeof plain) {
            return false;
        }
        plain[len++] = c;
    }
    const struct str decoded = {plain, len};
    return str_is(decoded, "password") || str_is(decoded, "sslpassword");
}

/* What follows the scheme's `//`: [user[:password]@]host…/database?name=value&… */
static bool has_password(struct str rest)
{
    const char *query = memchr(rest.p, '?', rest.len);
    const size_t len = query != NULL ? (size_t)(query - rest.p) : rest.len;
    const char *at = memrchr(rest.p, '@', len);
    if (at != NULL && memchr(rest.p, ':', (size_t)(at - rest.p)) != NULL) {
        return true;
    }
    while (query != NULL) {
        const char *start = query + 1;
        const size_t left = rest.len - (size_t)(start - rest.p);
        const char *equals = memchr(start, '=', left);
        query = memchr(start, '&', left);
        const char *end = query != NULL ? query : start + left;
        if (equals != NULL && equals < end &&
            names_password((struct str){start, (size_t)(equals - start)})) {
            return true;
        }
    }
    return false;
}

static int read_sqlite_uri(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, struct config_source *source)
{
    const char *path = value->text.p + strlen("sqlite:");
    if (strncmp(path, "///", 3) == 0) {
        path += 2;
    } else if (strncmp(path, "//", 2) == 0) {
        return config_fail(r, value, key->name,
                           "expected the database's file right after sqlite:, without //");
    }
    if (*path == '\0' || strcmp(path, ":memory:") == 0) {
        return config_fail(r, value, key->name,
                           "expected a database file, such as sqlite:events.db");
    }
    source->kind = SOURCE_SQLITE;
    source->path = *path == '/'
                       ? arena_strndup(r->memory, path, strlen(path))
                       : arena_printf(r->memory, "%.*s%s", (int)r->folder.len, r->folder.p, path);
    return STATUS_OK;
}

/* Messages about the URI never repeat it: it may hold a password. */
static int read_uri(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_SCALAR || yaml_is_null(value) || value->text.len > 4096) {
        return config_fail(r, value, key->name,
                           "expected sqlite:FILE or postgresql://USER@HOST/DATABASE");
    }
    const struct str text = value->text;
    source->uri = arena_strndup(r->memory, text.p, text.len);
    if (starts_with(text, "sqlite:")) {
        return read_sqlite_uri(r, key, value, source);
    }
    const char *slashes = strstr(text.p, "://");
    if (slashes == NULL ||
        (!starts_with(text, "postgresql://") && !starts_with(text, "postgres://"))) {
        return config_fail(r, value, key->name,
                           "expected sqlite:FILE or postgresql://USER@HOST/DATABASE, but it begins "
                           "otherwise");
    }
    const char *rest = slashes + 3;
    if (has_password((struct str){rest, text.len - (size_t)(rest - text.p)})) {
        return config_fail(r, value, key->name, "%s", password_advice);
    }
    source->kind = SOURCE_POSTGRESQL;
    return STATUS_OK;
}

static int read_table(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    struct str text;
    const int status = config_scalar(r, value, key->name, "the name of a table", &text);
    if (status != STATUS_OK) {
        return status;
    }
    const char *dot = memchr(text.p, '.', text.len);
    const size_t schema_len = dot != NULL ? (size_t)(dot - text.p) : 0;
    const char *table = dot != NULL ? dot + 1 : text.p;
    if (*table == '\0' || strchr(table, '.') != NULL || (dot != NULL && schema_len == 0) ||
        schema_len > NAME_MAX_BYTES || strlen(table) > NAME_MAX_BYTES) {
        return config_expected(r, value, key->name, "TABLE or SCHEMA.TABLE");
    }
    source->table_schema = dot != NULL ? arena_strndup(r->memory, text.p, schema_len) : NULL;
    source->table = arena_strndup(r->memory, table, strlen(table));
    return STATUS_OK;
}

/* ---- columns ---- */

struct known_column {
    const char *field;
    size_t offset; /* in config_source */
    bool optional;
};

static const struct known_column known_columns[] = {
    {"id", offsetof(struct config_source, columns.id), false},
    {"timestamp", offsetof(struct config_source, columns.timestamp), false},
    {"event_type", offsetof(struct config_source, columns.event_type), false},
    {"actor_id", offsetof(struct config_source, columns.actor_id), true},
    {"target_id", offsetof(struct config_source, columns.target_id), true},
    {"summary", offsetof(struct config_source, columns.summary), true},
    {"payload", offsetof(struct config_source, columns.payload), true},
};

static struct column *column_of(struct config_source *source, const struct known_column *known)
{
    return (struct column *)(void *)((char *)source + known->offset);
}

static bool field_name_valid(struct str name)
{
    if (name.len == 0 || name.len > 63 || (name.p[0] >= '0' && name.p[0] <= '9')) {
        return false;
    }
    return strspn(name.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
           name.len;
}

/* A new name is a column of the user's own, unless it looks like a slip in one that we know. */
static int check_extra_name(struct config_reader *r, const struct yaml_node *name,
                            const struct config_source *source)
{
    if (!field_name_valid(name->text)) {
        return config_expected(r, name, NULL,
                               "a name of letters, digits and _, at most 63 of them, for a field");
    }
    for (size_t i = 0; i < COUNT_OF(known_columns); i++) {
        const struct str field = str_of(known_columns[i].field);
        const unsigned slips = (unsigned)field.len / 4;
        if (slips > 0 && edit_distance(name->text, field, slips) <= slips) {
            return config_fail(r, name, NULL, "unknown column %s; did you mean \"%s\"?",
                               config_found(r, name), field.p);
        }
    }
    if (source->extra_count == CONFIG_EXTRAS_MAX) {
        return config_fail(r, name, NULL, "at most %d columns may be added", CONFIG_EXTRAS_MAX);
    }
    return STATUS_OK;
}

static int read_column(struct config_reader *r, const struct yaml_node *value,
                       struct config_source *source)
{
    const struct str field = value->key->text;
    const struct known_column *known = NULL;
    for (size_t i = 0; i < COUNT_OF(known_columns); i++) {
        known = str_is(field, known_columns[i].field) ? &known_columns[i] : known;
    }
    int status = known != NULL ? STATUS_OK : check_extra_name(r, value->key, source);
    if (status == STATUS_OK && known != NULL && known->optional && yaml_is_null(value)) {
        *column_of(source, known) = (struct column){.configured = true};
        return STATUS_OK;
    }
    struct str text = STR_NULL;
    if (status == STATUS_OK) {
        status = config_scalar(r, value, field.p, "the name of a column", &text);
    }
    if (status == STATUS_OK && (text.len == 0 || text.len > NAME_MAX_BYTES)) {
        status = config_expected(r, value, field.p, "the name of a column, of 1 to 255 bytes");
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *name = arena_strndup(r->memory, text.p, text.len);
    if (known != NULL) {
        *column_of(source, known) = (struct column){.name = name, .configured = true};
    } else {
        source->extras[source->extra_count++] = (struct extra_column){
            .field = arena_strndup(r->memory, field.p, field.len), .column = name};
    }
    return STATUS_OK;
}

static int read_columns(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_MAP) {
        return config_expected(r, value, key->name, "a map from fields to the table's columns");
    }
    const char *outer = r->context;
    r->context = "source.columns.";
    source->extras = arena_array(r->memory, CONFIG_EXTRAS_MAX, sizeof *source->extras);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_column(r, entry, source);
    }
    r->context = outer;
    return status;
}

static const struct config_key keys[] = {
    SECTION_KEY("uri", read_uri),
    SECTION_KEY("table", read_table),
    SECTION_KEY("columns", read_columns),
    BOOL_KEY("payload_in_events", struct config_source, payload_in_events),
    PATH_KEY("password_file", struct config_source, password_file),
    DURATION_KEY("poll_interval", struct config_source, poll_interval_ms, 10, MS_PER_HOUR),
    DURATION_KEY("late_window", struct config_source, late_window_ms, 0, 7 * MS_PER_DAY),
    TEXT_KEY("metric_event", struct config_source, metric_event, 256),
};

void config_source_defaults(struct config_reader *r)
{
    struct config_source *source = &r->config->source;
    source->table = "events";
    for (size_t i = 0; i < COUNT_OF(known_columns); i++) {
        column_of(source, &known_columns[i])->name = known_columns[i].field;
    }
    source->poll_interval_ms = 2 * MS_PER_SECOND;
    source->late_window_ms = 10 * MS_PER_MINUTE;
    source->metric_event = "metrics.updated";
}

int read_source(struct config_reader *r, const struct config_key *key,
                const struct yaml_node *value, void *target)
{
    struct config *config = target;
    struct config_source *source = &config->source;
    int status = read_section(r, key->name, value, keys, COUNT_OF(keys), source);
    if (status == STATUS_OK && source->uri == NULL) {
        status = config_fail(r, value, NULL,
                             "source: uri is missing: write sqlite:FILE or "
                             "postgresql://USER@HOST/DATABASE");
    }
    if (status == STATUS_OK && source->password_file != NULL && source->kind == SOURCE_SQLITE) {
        status = config_fail(r, yaml_get(value, "password_file")->key, NULL,
                             "source.password_file: SQLite has no password; leave it out");
    }
    config->has_source = true;
    return status;
}
