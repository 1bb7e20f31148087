/* SPDX-License-Identifier: Apache-2.0 */
/* `source.columns` and `source.fields`: where the fields of an event are, in a table's columns or
 * in a message's places. */
#include "common/config/sections/source_columns.h"

#include <string.h>

#include "common/base/event_fields.h"
#include "common/config/file/values.h"

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
    if (str_is(name->text, "redelivered")) {
        return config_fail(r, name, NULL,
                           "\"redelivered\" is what raw events call that they may have come "
                           "before; give the field another name");
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

/* Columns of a table or places of messages: how they are called in messages of ours. */
struct wording {
    const char *a_name;       /* what a value is */
    const char *a_short_name; /* the same, with its length */
    const char *a_map;
};

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      const struct wording *wording, struct config_source *source)
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
        status = config_scalar(r, value, name.p, wording->a_name, &text);
    }
    if (status == STATUS_OK && (text.len == 0 || text.len > CONFIG_COLUMN_NAME_MAX)) {
        status = config_expected(r, value, name.p, wording->a_short_name);
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

/* A field that the map does not name is read from the column of its own name, or from the place
 * that the format has for it. */
static int read_entries(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, const struct wording *wording,
                        struct config_source *source)
{
    if (value->kind != YAML_MAP) {
        return config_expected(r, value, key->name, wording->a_map);
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        source->columns[i] = (struct config_column){.name = event_fields[i].name};
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "source.%s.", key->name);
    source->extras = arena_array(r->memory, CONFIG_EXTRAS_MAX, sizeof *source->extras);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_entry(r, entry, wording, source);
    }
    r->context = outer;
    return status;
}

int config_read_columns(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    static const struct wording columns = {"the name of a column",
                                           "the name of a column, of 1 to 255 bytes",
                                           "a map from fields to the table's columns"};
    return read_entries(r, key, value, &columns, target);
}

/* ---- fields ---- */

int config_read_fields(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    static const struct wording places = {"a place in a message",
                                          "a place in a message, of 1 to 255 bytes",
                                          "a map from fields to places in a message"};
    return read_entries(r, key, value, &places, target);
}

/* Where fields are that the file does not name; NULL: such messages have none. */
static const char *const default_places[MESSAGE_FORMATS][EVENT_FIELDS] = {
    [MESSAGE_JSON] =
        {
            [EVENT_TIMESTAMP] = "value.timestamp",
            [EVENT_TYPE] = "value.event_type",
            [EVENT_ACTOR] = "value.actor_id",
            [EVENT_TARGET] = "value.target_id",
            [EVENT_SUMMARY] = "value.summary",
            [EVENT_PAYLOAD] = "value.payload",
        },
    [MESSAGE_CLOUDEVENTS] =
        {
            [EVENT_TIMESTAMP] = "ce.time",
            [EVENT_TYPE] = "ce.type",
            [EVENT_ACTOR] = "ce.source",
            [EVENT_TARGET] = "ce.subject",
            [EVENT_SUMMARY] = "value.summary",
            [EVENT_PAYLOAD] = "value",
        },
    [MESSAGE_DEBEZIUM] =
        {
            [EVENT_TIMESTAMP] = "change.time",
            [EVENT_TYPE] = "change.type",
            [EVENT_TARGET] = "key",
            [EVENT_PAYLOAD] = "value",
        },
};

static int check_place(struct config_reader *r, const struct yaml_node *fields, const char *field,
                       const char *text, enum message_format format)
{
    struct message_place unused;
    if (message_place_parse(str_of(text), format, &unused)) {
        return STATUS_OK;
    }
    return config_fail(r, yaml_get(fields, field), NULL,
                       "source.fields.%s: expected a place in a message (%s), but found \"%s\"",
                       field, message_place_words(format), text);
}

int config_finish_fields(struct config_reader *r, const struct yaml_node *section,
                         struct config_source *source)
{
    const struct yaml_node *fields = yaml_get(section, "fields");
    int status = STATUS_OK;
    if (source->columns[EVENT_ID].configured) {
        return config_fail(r, yaml_get(fields, "id")->key, NULL,
                           "source.fields.id: the id of a message is where it stands in the bus; "
                           "leave it out");
    }
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS && status == STATUS_OK; i++) {
        struct config_column *column = &source->columns[i];
        if (!column->configured) {
            column->name = default_places[source->format][i];
        } else if (column->name != NULL) {
            status = check_place(r, fields, event_fields[i].name, column->name, source->format);
        }
    }
    for (size_t i = 0; i < source->extra_count && status == STATUS_OK; i++) {
        const struct config_extra_column *extra = &source->extras[i];
        status = check_place(r, fields, extra->field, extra->column, source->format);
    }
    return status;
}
