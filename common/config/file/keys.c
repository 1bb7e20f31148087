/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/config/file/values.h"

#define NAMES_MAX 64 /* keys that a message lists */

void *config_member(void *target, const struct config_key *key)
{
    return (char *)target + key->offset;
}

/* ---- ranges ---- */

static char *format_whole(int64_t value, char out[CONFIG_VALUE_TEXT_SIZE])
{
    snprintf(out, CONFIG_VALUE_TEXT_SIZE, "%lld", (long long)value);
    return out;
}

static char *format_range(const struct config_key *key,
                          char *(*format)(int64_t, char[CONFIG_VALUE_TEXT_SIZE]), const char *unit,
                          char out[CONFIG_RANGE_SIZE])
{
    char min[CONFIG_VALUE_TEXT_SIZE];
    char max[CONFIG_VALUE_TEXT_SIZE];
    snprintf(out, CONFIG_RANGE_SIZE, "%s to %s%s", format(key->min, min), format(key->max, max),
             unit);
    return out;
}

char *config_measured_range(const struct config_key *key, char out[CONFIG_RANGE_SIZE])
{
    switch (key->measure) {
    case CONFIG_UNMEASURED:
        break;
    case CONFIG_MS:
        return format_range(key, config_duration_format, "", out);
    case CONFIG_BYTES:
        return format_range(key, config_size_format, "", out);
    case CONFIG_WHOLE:
        return format_range(key, format_whole, "", out);
    case CONFIG_POSITIVE:
        snprintf(out, CONFIG_RANGE_SIZE, "more than 0 and at most %lld", (long long)key->max);
        return out;
    case CONFIG_LENGTH:
        return format_range(key, format_whole, " bytes", out);
    case CONFIG_ENTRIES:
        return format_range(key, format_whole, " entries", out);
    }
    out[0] = '\0';
    return out;
}

static int out_of_range(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value)
{
    char range[CONFIG_RANGE_SIZE];
    return config_expected(r, value, key->name, config_measured_range(key, range));
}

/* ---- kinds of values ---- */

int config_read_text(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    struct str text;
    const int status = config_scalar(r, value, key->name, "a text", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (text.len < (size_t)key->min || text.len > (size_t)key->max) {
        char range[CONFIG_RANGE_SIZE];
        return config_fail(r, value, key->name, "expected a text of %s, but it has %zu",
                           config_measured_range(key, range), text.len);
    }
    *(const char **)config_member(target, key) = config_copy(r, text);
    return STATUS_OK;
}

int config_read_path(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    const int status = config_read_text(r, key, value, target);
    const char **path = config_member(target, key);
    if (status == STATUS_OK) {
        *path = config_path(r, *path);
    }
    return status;
}

int config_read_bool(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    if (!yaml_as_bool(value, config_member(target, key))) {
        return config_expected(r, value, key->name, "true or false");
    }
    return STATUS_OK;
}

static void store_whole(void *target, const struct config_key *key, int64_t value)
{
    if (key->size == sizeof(uint32_t)) {
        *(uint32_t *)config_member(target, key) = (uint32_t)value;
    } else {
        *(uint64_t *)config_member(target, key) = (uint64_t)value;
    }
}

int config_read_whole(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    int64_t number = 0;
    if (value->kind != YAML_SCALAR || !value->plain ||
        !config_whole_number_parse(value->text, &number)) {
        return config_expected(r, value, key->name, "a whole number");
    }
    if (number < key->min || number > key->max) {
        return out_of_range(r, key, value);
    }
    store_whole(target, key, number);
    return STATUS_OK;
}

int config_read_positive(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    double number = 0;
    if (!yaml_as_number(value, &number)) {
        return config_expected(r, value, key->name, "a number");
    }
    if (number <= 0 || number > (double)key->max) {
        return out_of_range(r, key, value);
    }
    *(double *)config_member(target, key) = number;
    return STATUS_OK;
}

int config_read_duration(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    int64_t ms = 0;
    if (value->kind != YAML_SCALAR || !config_duration_parse(value->text, &ms)) {
        return config_expected(r, value, key->name, "a duration such as 250ms, 2s, 5m, 1h or 7d");
    }
    if (ms < key->min || ms > key->max) {
        return out_of_range(r, key, value);
    }
    *(int64_t *)config_member(target, key) = ms;
    return STATUS_OK;
}

int config_read_size(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    int64_t bytes = 0;
    if (value->kind != YAML_SCALAR || !config_size_parse(value->text, &bytes)) {
        return config_expected(r, value, key->name, "a size such as 4096, 64KiB or 1MiB");
    }
    if (bytes < key->min || bytes > key->max) {
        return out_of_range(r, key, value);
    }
    store_whole(target, key, bytes);
    return STATUS_OK;
}

int config_choose(struct config_reader *r, const char *key, const struct yaml_node *value,
                  const char *const *names, size_t count, size_t *out)
{
    const struct str text = value->kind == YAML_SCALAR ? value->text : STR_NULL;
    for (size_t i = 0; i < count; i++) {
        if (str_is(text, names[i])) {
            *out = i;
            return STATUS_OK;
        }
    }
    return config_fail(r, value, key, "%s is not known%s", config_found(r, value),
                       config_suggest(r, text, names, count, ": expected "));
}

int config_read_choice(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    size_t count = 0;
    while (key->choices[count] != NULL) {
        count++;
    }
    size_t chosen = 0;
    const int status = config_choose(r, key->name, value, key->choices, count, &chosen);
    if (status == STATUS_OK) {
        *(unsigned *)config_member(target, key) = (unsigned)chosen;
    }
    return status;
}

int config_read_subsection(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    return config_read_section(r, key->name, value, key->table, config_member(target, key));
}

/* ---- maps ---- */

const struct config_key *config_find_key(const struct config_table *table, struct str name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (str_is(name, table->rows[i].name)) {
            return &table->rows[i];
        }
    }
    return NULL;
}

int config_unknown_key(struct config_reader *r, const struct yaml_node *name,
                       const struct config_table *const *tables, size_t table_count)
{
    const char *names[NAMES_MAX];
    size_t known = 0;
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t]->count && known < COUNT_OF(names); i++) {
            names[known++] = tables[t]->rows[i].name;
        }
    }
    return config_fail(r, name, NULL, "unknown key %s%s", config_found(r, name),
                       config_suggest(r, name->text, names, known, "; known are "));
}

int config_read_map(struct config_reader *r, const struct yaml_node *node,
                    const struct config_table *table, void *target)
{
    if (node->kind != YAML_MAP) {
        return config_expected(r, node, NULL, "a map of keys and values");
    }
    int status = STATUS_OK;
    for (const struct yaml_node *value = node->first; value != NULL && status == STATUS_OK;
         value = value->next) {
        const struct config_key *key = config_find_key(table, value->key->text);
        status = key != NULL ? key->read(r, key, value, target)
                             : config_unknown_key(r, value->key, &table, 1);
    }
    return status;
}

int config_read_section(struct config_reader *r, const char *name, const struct yaml_node *node,
                        const struct config_table *table, void *target)
{
    if (yaml_is_null(node)) {
        return STATUS_OK;
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, name);
    const int status = config_read_map(r, node, table, target);
    r->context = outer;
    return status;
}

/* ---- defaults ---- */

/* A default is read as if it stood in the file: a scalar without quotes, or `{}`. */
static void apply_default(struct config_reader *r, const struct config_key *key, void *target)
{
    const bool map = strcmp(key->default_value, "{}") == 0;
    const struct yaml_node value = {
        .kind = map ? YAML_MAP : YAML_SCALAR,
        .text = map ? STR_NULL : str_of(key->default_value),
        .plain = !map,
    };
    const int status = key->read(r, key, &value, target);
    assert(status == STATUS_OK);
    (void)status;
}

void config_apply_defaults(struct config_reader *r, const struct config_table *table, void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->rows[i];
        if (key->table != NULL) {
            config_apply_defaults(r, key->table, config_member(target, key));
        } else if (key->default_value != NULL) {
            apply_default(r, key, target);
        }
    }
}
