/* SPDX-License-Identifier: Apache-2.0 */
/* The `source` section: where the events table is, and what its columns are called. */
#include <string.h>

#include "common/base/event_fields.h"
#include "common/config/sections/section.h"
#include "common/config/source_kinds.h"
#include "common/config/values.h"

#define NAME_MAX_BYTES 255 /* of a table or a column */
#define URI_MAX_BYTES 4096

/* Messages about the URI never repeat it: it may hold a password. */
static int read_uri(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_SCALAR || yaml_is_null(value) || value->text.len > URI_MAX_BYTES) {
        return config_fail(r, value, key->name, "expected %s", config_source_forms(r));
    }
    struct str rest;
    if (!config_find_source_kind(value->text, &source->kind, &rest)) {
        return config_fail(r, value, key->name, "expected %s, but it begins otherwise",
                           config_source_forms(r));
    }
    source->uri = config_copy(r, value->text);
    return config_source_kind(source->kind)->read_uri(r, key, value, rest, source);
}

/* Its kind has to be one that can be listened to; that of the source is looked at in the end. */
static int read_listen_uri(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    enum source_kind kind;
    struct str rest;
    if (value->kind != YAML_SCALAR || yaml_is_null(value) || value->text.len > URI_MAX_BYTES ||
        !config_find_source_kind(value->text, &kind, &rest) || !config_source_kind(kind)->listens) {
        return config_fail(r, value, key->name,
                           "expected postgresql://USER@HOST/DATABASE, the server itself");
    }
    source->listen_uri = config_copy(r, value->text);
    return config_source_kind(kind)->read_uri(r, key, value, rest, source);
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
    source->table_schema = dot != NULL ? config_copy(r, (struct str){text.p, schema_len}) : NULL;
    source->table = config_copy(r, str_of(table));
    return STATUS_OK;
}

/* ---- columns ---- */

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
    if (str_is(name->text, "truncated")) {
        return config_fail(r, name, NULL,
                           "\"truncated\" is what raw events call the list of their cut members; "
                           "give the field another name");
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        const struct str field = str_of(event_fields[i].name);
        const unsigned slips = (unsigned)field.len / 4;
        if (slips > 0 && config_edit_distance(name->text, field, slips) <= slips) {
            return config_fail(r, name, NULL, "unknown column %s; did you mean \"%s\"?",
                               config_found(r, name), field.p);
        }
    }
    if (source->extra_count == CONFIG_EXTRAS_MAX) {
        return config_fail(r, name, NULL, "at most %d columns may be added", CONFIG_EXTRAS_MAX);
    }
    return STATUS_OK;
}

/* The field of an event with that name; EVENT_FIELDS when there is none. */
static size_t find_field(struct str name)
{
    size_t i = 0;
    while (i < EVENT_FIELDS && !str_is(name, event_fields[i].name)) {
        i++;
    }
    return i;
}

static int read_column(struct config_reader *r, const struct yaml_node *value,
                       struct config_source *source)
{
    const struct str name = value->key->text;
    const size_t field = find_field(name);
    const bool known = field < EVENT_FIELDS;
    if (known && event_fields[field].optional && yaml_is_null(value)) {
        source->columns[field] = (struct config_column){.configured = true};
        return STATUS_OK;
    }
    int status = known ? STATUS_OK : check_extra_name(r, value->key, source);
    struct str text = STR_NULL;
    if (status == STATUS_OK) {
        status = config_scalar(r, value, name.p, "the name of a column", &text);
    }
    if (status == STATUS_OK && (text.len == 0 || text.len > NAME_MAX_BYTES)) {
        status = config_expected(r, value, name.p, "the name of a column, of 1 to 255 bytes");
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *column = config_copy(r, text);
    if (known) {
        source->columns[field] = (struct config_column){.name = column, .configured = true};
    } else {
        source->extras[source->extra_count++] =
            (struct config_extra_column){.field = config_copy(r, name), .column = column};
    }
    return STATUS_OK;
}

/* A field that the map does not name is read from the column of its own name. */
static int read_columns(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_MAP) {
        return config_expected(r, value, key->name, "a map from fields to the table's columns");
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        source->columns[i] = (struct config_column){.name = event_fields[i].name};
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

/* ---- cursor ---- */

static bool is_column_name(const struct yaml_node *value)
{
    return value != NULL && value->kind == YAML_SCALAR && !yaml_is_null(value) &&
           value->text.len != 0 && value->text.len <= NAME_MAX_BYTES;
}

/* The id's column is kept by finish_cursor, which knows of `columns`, too. */
static int read_cursor(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_LIST || value->count != 2 || !is_column_name(value->first) ||
        !is_column_name(value->first->next)) {
        return config_fail(r, value, key->name,
                           "expected two columns, the one that rows are in the order of and the "
                           "one of the id: [created_at, id]");
    }
    source->cursor = config_copy(r, value->first->text);
    return STATUS_OK;
}

/* Rows are told apart by the id; their time is that of the cursor unless `columns` says otherwise.
 */
static int finish_cursor(struct config_reader *r, const struct yaml_node *cursor,
                         struct config_source *source)
{
    struct config_column *id = &source->columns[EVENT_ID];
    struct config_column *time = &source->columns[EVENT_TIMESTAMP];
    const struct yaml_node *second = cursor->first->next;
    if (id->configured && !str_is(second->text, id->name)) {
        return config_fail(r, second, NULL,
                           "source.cursor: the second column has to be that of the id, which "
                           "source.columns.id says is \"%s\"",
                           id->name);
    }
    *id = (struct config_column){.name = config_copy(r, second->text), .configured = true};
    if (!time->configured) {
        *time = (struct config_column){.name = source->cursor, .configured = true};
    }
    return STATUS_OK;
}

/* ---- local time ---- */

static int read_time_zone(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    struct config_local_time *local = &((struct config_source *)target)->local;
    struct str name;
    struct error why = {{0}};
    int status = config_scalar(r, value, key->name, "the name of a time zone", &name);
    if (status != STATUS_OK) {
        return status;
    }
    local->time_zone = config_copy(r, name);
    local->zone = NULL;
    if (strcmp(local->time_zone, "UTC") != 0) { /* It is known without a database. */
        status = zone_load(local->time_zone, r->memory, &local->zone, &why);
    }
    return status == STATUS_OK ? STATUS_OK : config_fail(r, value, key->name, "%s", why.text);
}

static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday",    NULL};

/* ---- the section ---- */

static const struct config_key rows[] = {
    {CONFIG_CUSTOM("uri", read_uri), .needed = "uri: sqlite:events.db",
     .help = "Where the database is: `sqlite:FILE`, or `postgresql://USER@HOST:PORT/DATABASE`."},
    {CONFIG_CUSTOM("listen_uri", read_listen_uri),
     .help = "Where PostgreSQL itself is, for LISTEN alone, when `uri` leads to a pooler."},
    {CONFIG_CUSTOM("table", read_table), .default_value = "events",
     .help = "The table of events: `TABLE` or `SCHEMA.TABLE`."},
    {CONFIG_CUSTOM("columns", read_columns), .default_value = "{}",
     .default_words = "each field's own name",
     .help = "A map from the fields of an event to the table's columns."},
    {CONFIG_CUSTOM("cursor", read_cursor), .default_words = "none: ids grow",
     .help = "For ids that do not grow: the column that rows are read in the order of, and that of "
             "the id."},
    {CONFIG_BOOL("payload_in_events", struct config_source, payload_in_events),
     .default_value = "false", .help = "Raw events carry the `payload` too."},
    {CONFIG_PATH("password_file", struct config_source, password_file),
     .help = "A file whose first line is the password, read at each connect."},
    {CONFIG_DURATION("poll_interval", struct config_source, poll_interval_ms, 10, MS_PER_HOUR),
     .default_value = "2s", .help = "How often the table is read when nothing wakes the ingestor."},
    {CONFIG_DURATION("late_window", struct config_source, late_window_ms, 0, 7 * MS_PER_DAY),
     .default_value = "10m", .help = "How late a row may be committed."},
    {CONFIG_TEXT("metric_event", struct config_source, metric_event, 256),
     .default_value = "metrics.updated", .help = "The event type whose payload is a metric."},
    {CONFIG_CUSTOM("time_zone", read_time_zone), .default_value = "UTC",
     .range = "a name of the IANA database",
     .help = "The zone of times that name none, and of days, weeks and months."},
    {CONFIG_CHOICE("week_starts", struct config_source, local.week_starts), .choices = weekdays,
     .default_value = "monday", .help = "The first day of a week."},
};
const struct config_table config_source_table = CONFIG_TABLE(rows);

int config_read_source(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config *config = target;
    struct config_source *source = &config->source;
    int status = config_read_section(r, key->name, value, key->table, source);
    if (status == STATUS_OK && source->uri == NULL) {
        status =
            config_fail(r, value, NULL, "source: uri is missing: write %s", config_source_forms(r));
    }
    if (status == STATUS_OK && source->password_file != NULL &&
        !config_source_kind(source->kind)->has_password) {
        status = config_fail(r, yaml_get(value, "password_file")->key, NULL,
                             "source.password_file: %s has no password; leave it out",
                             source_kind_name(source->kind));
    }
    if (status == STATUS_OK && source->listen_uri != NULL &&
        !config_source_kind(source->kind)->listens) {
        status = config_fail(r, yaml_get(value, "listen_uri")->key, NULL,
                             "source.listen_uri: %s is watched, and not listened to; leave it out",
                             source_kind_name(source->kind));
    }
    const struct yaml_node *cursor = yaml_get(value, "cursor");
    if (status == STATUS_OK && cursor != NULL) {
        status = finish_cursor(r, cursor, source);
    }
    config->has_source = true;
    return status;
}
