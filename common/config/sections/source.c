/* SPDX-License-Identifier: Apache-2.0 */
/* The `source` section: where the events table is, and what its columns are called. */
#include <string.h>

#include "common/config/file/values.h"
#include "common/config/sections/section.h"
#include "common/config/sections/source_columns.h"
#include "common/config/sections/source_dedupe.h"
#include "common/config/source_kinds.h"

#define URI_MAX_BYTES 4096

/* Messages about the URI never repeat it: it may hold a password. */
static int read_uri(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target)
{
    struct config_source *source = target;
    if (value->kind != YAML_SCALAR || yaml_is_null(value) || value->text.len > URI_MAX_BYTES) {
        return config_fail(r, value, key->name, "expected %s", config_source_forms(r));
    }
    static const char rediss[] = "rediss://";
    struct str rest;
    if (strncmp(value->text.p, rediss, sizeof rediss - 1) == 0) {
        return config_fail(r, value, key->name,
                           "Tilewire reads Redis without TLS: let HAProxy or stunnel on this "
                           "machine speak TLS with the server, and name its port, as "
                           "docs/redis.md shows: redis://127.0.0.1:6380/STREAM");
    }
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
        schema_len > CONFIG_COLUMN_NAME_MAX || strlen(table) > CONFIG_COLUMN_NAME_MAX) {
        return config_expected(r, value, key->name, "TABLE or SCHEMA.TABLE");
    }
    source->table_schema = dot != NULL ? config_copy(r, (struct str){text.p, schema_len}) : NULL;
    source->table = config_copy(r, str_of(table));
    return STATUS_OK;
}

/* ---- cursor ---- */

static bool is_column_name(const struct yaml_node *value)
{
    return value != NULL && value->kind == YAML_SCALAR && !yaml_is_null(value) &&
           value->text.len != 0 && value->text.len <= CONFIG_COLUMN_NAME_MAX;
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

const char *config_weekday_name(enum config_weekday day)
{
    return weekdays[day];
}

/* ---- messages ---- */

static const char *const formats[] = {
    [MESSAGE_JSON] = "json",
    [MESSAGE_CLOUDEVENTS] = "cloudevents",
    [MESSAGE_DEBEZIUM] = "debezium",
    [MESSAGE_FORMATS] = NULL,
};

/* ---- the section ---- */

/* Keys that only tables have, and those that only buses have. */
static int check_keys(struct config_reader *r, const struct yaml_node *section,
                      const struct config_source *source)
{
    static const char *const of_tables[] = {"table", "columns", "cursor"};
    static const char *const of_buses[] = {"fields", "format"};
    const bool messages = config_source_kind(source->kind)->messages;
    const char *const *wrong = messages ? of_tables : of_buses;
    for (size_t i = 0; i < (messages ? COUNT_OF(of_tables) : COUNT_OF(of_buses)); i++) {
        const struct yaml_node *value = yaml_get(section, wrong[i]);
        if (value != NULL) {
            return config_fail(r, value->key, NULL,
                               messages ? "source.%s: %s has messages and no table; leave it out "
                                          "(where fields are in a message, `fields` says)"
                                        : "source.%s: %s has a table and no messages; leave it "
                                          "out (what columns are called, `columns` says)",
                               wrong[i], source_kind_name(source->kind));
        }
    }
    static const char *const of_others[] = {"table", "columns", "cursor"};
    for (size_t i = 0; source->kind == SOURCE_PUSH && i < COUNT_OF(of_others); i++) {
        const struct yaml_node *value = yaml_get(section, of_others[i]);
        if (value != NULL) {
            return config_fail(r, value->key, NULL,
                               "source.%s: the file of pushed events has a table of its own; leave "
                               "it out (to read a table that others write, use sqlite:FILE)",
                               of_others[i]);
        }
    }
    const struct yaml_node *keep = yaml_get(section, "keep");
    if (keep != NULL && source->kind != SOURCE_PUSH) {
        return config_fail(r, keep->key, NULL,
                           "source.keep: only events that are pushed are Tilewire's to delete; "
                           "leave it out");
    }
    const struct yaml_node *kafka = yaml_get(section, "kafka");
    if (kafka != NULL && source->kind != SOURCE_KAFKA) {
        return config_fail(r, kafka->key, NULL, "source.kafka: the source is %s; leave it out",
                           source_kind_name(source->kind));
    }
    const struct yaml_node *redis = yaml_get(section, "redis");
    if (redis != NULL && source->kind != SOURCE_REDIS) {
        return config_fail(r, redis->key, NULL, "source.redis: the source is %s; leave it out",
                           source_kind_name(source->kind));
    }
    const struct yaml_node *nats = yaml_get(section, "nats");
    if (nats != NULL && source->kind != SOURCE_NATS) {
        return config_fail(r, nats->key, NULL, "source.nats: the source is %s; leave it out",
                           source_kind_name(source->kind));
    }
    return source->kind == SOURCE_NATS ? config_check_nats(r, section, source) : STATUS_OK;
}

static int read_name(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    struct config_source *source = target;
    if (value->kind != YAML_SCALAR || value->text.len == 0 ||
        value->text.len > CONFIG_SOURCE_NAME_MAX ||
        strspn(value->text.p, allowed) != value->text.len) {
        return config_expected(r, value, key->name, "1 to 32 letters, digits, - and _ (orders)");
    }
    source->name = config_copy(r, value->text);
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_MEASURED("name", read_name, struct config_source, name, CONFIG_LENGTH, 1,
                     CONFIG_SOURCE_NAME_MAX),
     .range = "letters, digits, `-`, `_`",
     .help = "Only in [`sources`](#sources), where each has one: what tiles choose it by."},
    {CONFIG_CUSTOM("uri", read_uri), .needed = "uri: sqlite:events.db",
     .help = "Where the events are: `sqlite:FILE`, `postgresql://USER@HOST:PORT/DATABASE`, "
             "`kafka://BROKER:PORT/TOPIC`, `redis://HOST:PORT/STREAM`, `nats://HOST:PORT/STREAM`, "
             "or `push:FILE`."},
    {CONFIG_CUSTOM("listen_uri", read_listen_uri),
     .help = "Where PostgreSQL itself is, for LISTEN alone, when `uri` leads to a pooler."},
    {CONFIG_CUSTOM("table", read_table), .default_value = "events",
     .help = "The table of events: `TABLE` or `SCHEMA.TABLE`."},
    {CONFIG_CUSTOM("columns", config_read_columns), .default_value = "{}",
     .default_words = "each field's own name",
     .help = "A map from the fields of an event to the table's columns."},
    {CONFIG_CHOICE("format", struct config_source, format), .choices = formats,
     .default_value = "json", .help = "What the messages of a bus are."},
    {CONFIG_CUSTOM("fields", config_read_fields), .default_words = "what the format has",
     .help = "A map from the fields of an event to places in the messages of a bus."},
    {CONFIG_CUSTOM("kafka", config_read_kafka), .default_value = "{}",
     .help = "Options of librdkafka, handed on as they are."},
    {CONFIG_SECTION("redis", struct config_source, redis, config_redis_table),
     .help = "How the stream of Redis is read."},
    {CONFIG_SECTION("nats", struct config_source, nats, config_nats_table),
     .help = "Who reads a stream of NATS, and by which TLS."},
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
    {CONFIG_CUSTOM("dedupe", config_read_dedupe), .default_words = "none: each event counts",
     .range = "a field, such as `payload.event_id`",
     .help = "What an event that comes again has in common with itself: it counts once."},
    {CONFIG_DURATION("dedupe_window", struct config_source, dedupe_window_ms, 1000,
                     30 * MS_PER_DAY),
     .default_value = "1h", .help = "How far apart the timestamps of such events may be."},
    {CONFIG_SIZE("dedupe_memory", struct config_source, dedupe_memory_bytes, 1 << 20,
                 INT64_C(16) << 30),
     .default_value = "64MiB",
     .help = "The memory that remembering them may take; the oldest are forgotten."},
    {CONFIG_DURATION("keep", struct config_source, keep_ms, MS_PER_SECOND, 36500 * MS_PER_DAY),
     .default_value = "30d", .help = "For how long events that were pushed are kept."},
    {CONFIG_TEXT("metric_event", struct config_source, metric_event, 256),
     .default_value = "metrics.updated", .help = "The event type whose payload is a metric."},
    {CONFIG_CUSTOM("time_zone", read_time_zone), .default_value = "UTC",
     .range = "a name of the IANA database",
     .help = "The zone of times that name none, and of days, weeks and months."},
    {CONFIG_CHOICE("week_starts", struct config_source, local.week_starts), .choices = weekdays,
     .default_value = "monday", .help = "The first day of a week."},
};
const struct config_table config_source_table = CONFIG_TABLE(rows);

int config_read_one_source(struct config_reader *r, const char *name, const struct yaml_node *value,
                           struct config_source *source)
{
    int status = config_read_section(r, name, value, &config_source_table, source);
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
    if (status == STATUS_OK) {
        status = check_keys(r, value, source);
    }
    if (status == STATUS_OK && config_source_kind(source->kind)->messages) {
        status = config_finish_fields(r, value, source);
    }
    const struct yaml_node *cursor = yaml_get(value, "cursor");
    if (status == STATUS_OK && cursor != NULL) {
        status = finish_cursor(r, cursor, source);
    }
    if (status == STATUS_OK && source != &r->config->source) {
        status = config_add_extras(r, value, source);
    }
    if (status == STATUS_OK) {
        status = config_finish_dedupe(r, value, source);
    }
    return status;
}

int config_read_source(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config *config = target;
    const int status = config_read_one_source(r, key->name, value, &config->source);
    const struct yaml_node *name = yaml_get(value, "name");
    if (status == STATUS_OK && name != NULL) {
        return config_fail(r, name->key, NULL,
                           "source.name: only entries of `sources` have names; leave it out");
    }
    config->has_source = true;
    config->sources = &config->source;
    config->source_count = 1;
    return status;
}
