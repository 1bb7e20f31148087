/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/config/values.h"

int config_fail(struct config_reader *r, const struct yaml_node *at, const char *key,
                const char *format, ...)
{
    struct error what = {{0}};
    va_list args;
    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    /* "gateway.limits." alone, where the section itself is what is wrong, loses its dot. */
    const char *context = r->context;
    size_t len = strlen(context);
    if (key == NULL) {
        key = "";
        while (len > 0 && strchr(".: ", context[len - 1]) != NULL) {
            len--;
        }
    }
    const char *colon = len > 0 || *key != '\0' ? ": " : "";
    return error_set(r->err, STATUS_INVALID, "%s:%d:%d: %.*s%s%s%s", r->file, at->line, at->column,
                     (int)len, context, key, colon, what.text);
}

const char *config_found(struct config_reader *r, const struct yaml_node *node)
{
    if (node->kind == YAML_LIST) {
        return "a list";
    }
    if (node->kind == YAML_MAP) {
        return "a map";
    }
    if (yaml_is_null(node)) {
        return node->text.len == 0 ? "nothing" : "null";
    }
    size_t len = node->text.len < 60 ? node->text.len : 60;
    while (len < node->text.len && len > 0 && (node->text.p[len] & 0xc0) == 0x80) {
        len--; /* not in the middle of a character */
    }
    return arena_printf(r->memory, "\"%.*s%s\"", (int)len, node->text.p,
                        len < node->text.len ? "…" : "");
}

int config_expected(struct config_reader *r, const struct yaml_node *at, const char *key,
                    const char *what)
{
    return config_fail(r, at, key, "expected %s, but found %s", what, config_found(r, at));
}

const char *config_suggest(struct config_reader *r, struct str text, const char *const *names,
                           size_t count, const char *prefix)
{
    const char *best = NULL;
    unsigned best_distance = UINT32_MAX;
    struct buf list = {0};
    for (size_t i = 0; i < count; i++) {
        const unsigned distance = edit_distance(text, str_of(names[i]), 64);
        if (similar(text, str_of(names[i])) && distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    }
    const char *result = best != NULL ? arena_printf(r->memory, "; did you mean \"%s\"?", best)
                                      : arena_printf(r->memory, "%s%s", prefix, buf_cstr(&list));
    buf_free(&list);
    return result;
}

int config_scalar(struct config_reader *r, const struct yaml_node *node, const char *key,
                  const char *what, struct str *out)
{
    if (node->kind != YAML_SCALAR || yaml_is_null(node)) {
        return config_expected(r, node, key, what);
    }
    *out = node->text;
    return STATUS_OK;
}

int config_expect_list(struct config_reader *r, const struct yaml_node *node, const char *key,
                       size_t max)
{
    if (node->kind != YAML_LIST) {
        return config_expected(r, node, key, "a list");
    }
    if (node->count == 0 || node->count > max) {
        return config_fail(r, node, key, "expected 1 to %zu entries, but found %zu", max,
                           node->count);
    }
    return STATUS_OK;
}

static void *member(void *target, const struct config_key *key)
{
    return (char *)target + key->offset;
}

int read_text(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
              void *target)
{
    struct str text;
    const int status = config_scalar(r, value, key->name, "a text", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (text.len < (size_t)key->min || text.len > (size_t)key->max) {
        return config_fail(r, value, key->name, "expected a text of %d to %d bytes, but it has %zu",
                           (int)key->min, (int)key->max, text.len);
    }
    *(const char **)member(target, key) = arena_strndup(r->memory, text.p, text.len);
    return STATUS_OK;
}

int read_path(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
              void *target)
{
    const int status = read_text(r, key, value, target);
    const char **path = member(target, key);
    if (status == STATUS_OK && **path != '/') {
        *path = arena_printf(r->memory, "%.*s%s", (int)r->folder.len, r->folder.p, *path);
    }
    return status;
}

int read_bool(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
              void *target)
{
    if (!yaml_as_bool(value, member(target, key))) {
        return config_expected(r, value, key->name, "true or false");
    }
    return STATUS_OK;
}

static int out_of_range(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value,
                        char *(*format)(int64_t, char[DURATION_TEXT_SIZE]))
{
    char min[DURATION_TEXT_SIZE];
    char max[DURATION_TEXT_SIZE];
    return config_fail(r, value, key->name, "expected %s to %s, but found %s",
                       format(key->min, min), format(key->max, max), config_found(r, value));
}

static char *whole_format(int64_t value, char out[DURATION_TEXT_SIZE])
{
    snprintf(out, DURATION_TEXT_SIZE, "%lld", (long long)value);
    return out;
}

static void store_whole(void *target, const struct config_key *key, int64_t value)
{
    if (key->size == sizeof(uint32_t)) {
        *(uint32_t *)member(target, key) = (uint32_t)value;
    } else {
        *(uint64_t *)member(target, key) = (uint64_t)value;
    }
}

int read_whole(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
               void *target)
{
    int64_t number = 0;
    if (value->kind != YAML_SCALAR || !value->plain || !whole_number_parse(value->text, &number)) {
        return config_expected(r, value, key->name, "a whole number");
    }
    if (number < key->min || number > key->max) {
        return out_of_range(r, key, value, whole_format);
    }
    store_whole(target, key, number);
    return STATUS_OK;
}

int read_number(struct config_reader *r, const struct config_key *key,
                const struct yaml_node *value, void *target)
{
    double number = 0;
    if (!yaml_as_number(value, &number)) {
        return config_expected(r, value, key->name, "a number");
    }
    if (number <= 0 || number < (double)key->min || number > (double)key->max) {
        return key->min > 0 ? out_of_range(r, key, value, whole_format)
                            : config_fail(r, value, key->name,
                                          "expected more than 0 and at most %lld, but found %s",
                                          (long long)key->max, config_found(r, value));
    }
    *(double *)member(target, key) = number;
    return STATUS_OK;
}

int read_duration(struct config_reader *r, const struct config_key *key,
                  const struct yaml_node *value, void *target)
{
    int64_t ms = 0;
    if (value->kind != YAML_SCALAR || !duration_parse(value->text, &ms)) {
        return config_expected(r, value, key->name, "a duration such as 250ms, 2s, 5m, 1h or 7d");
    }
    if (ms < key->min || ms > key->max) {
        return out_of_range(r, key, value, duration_format);
    }
    *(int64_t *)member(target, key) = ms;
    return STATUS_OK;
}

int read_size(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
              void *target)
{
    int64_t bytes = 0;
    if (value->kind != YAML_SCALAR || !size_parse(value->text, &bytes)) {
        return config_expected(r, value, key->name, "a size such as 4096, 64KiB or 1MiB");
    }
    if (bytes < key->min || bytes > key->max) {
        return out_of_range(r, key, value, size_format);
    }
    store_whole(target, key, bytes);
    return STATUS_OK;
}

int read_word(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
              void *target)
{
    size_t count = 0;
    while (key->words[count] != NULL) {
        if (value->kind == YAML_SCALAR && str_is(value->text, key->words[count])) {
            *(unsigned *)member(target, key) = (unsigned)count;
            return STATUS_OK;
        }
        count++;
    }
    return config_fail(r, value, key->name, "%s is not known%s", config_found(r, value),
                       config_suggest(r, value->kind == YAML_SCALAR ? value->text : STR_NULL,
                                      key->words, count, ": expected "));
}

static int unknown_key(struct config_reader *r, const struct yaml_node *name,
                       const struct config_key *keys, size_t count, const struct scope *scope)
{
    const char *names[64];
    size_t known = 0;
    for (size_t i = 0; i < count && known < COUNT_OF(names); i++) {
        if (scope == NULL || keys[i].scope == 0 || (keys[i].scope & scope->here) != 0) {
            names[known++] = keys[i].name;
        }
    }
    return config_fail(r, name, NULL, "unknown key %s%s", config_found(r, name),
                       config_suggest(r, name->text, names, known, "; known are "));
}

static int misplaced_key(struct config_reader *r, const struct yaml_node *name,
                         const struct config_key *key, const struct scope *scope)
{
    struct buf others = {0};
    const char *here = "";
    for (size_t i = 0; scope->names[i] != NULL; i++) {
        if ((scope->here & (1U << i)) != 0) {
            here = scope->names[i];
        } else if ((key->scope & (1U << i)) != 0) {
            buf_printf(&others, "%s%s", others.len > 0 ? ", " : "", scope->names[i]);
        }
    }
    const int status = config_fail(r, name, key->name, "%s %s has no such key (it belongs to %s)",
                                   scope->what, here, buf_cstr(&others));
    buf_free(&others);
    return status;
}

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      const struct config_key *keys, size_t count, const struct scope *scope,
                      void *target)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(value->key->text, keys[i].name)) {
            if (scope != NULL && keys[i].scope != 0 && (keys[i].scope & scope->here) == 0) {
                return misplaced_key(r, value->key, &keys[i], scope);
            }
            return keys[i].read(r, &keys[i], value, target);
        }
    }
    return unknown_key(r, value->key, keys, count, scope);
}

int read_map(struct config_reader *r, const struct yaml_node *node, const struct config_key *keys,
             size_t count, const struct scope *scope, void *target)
{
    if (node->kind != YAML_MAP) {
        return config_expected(r, node, NULL, "a map of keys and values");
    }
    int status = STATUS_OK;
    for (const struct yaml_node *value = node->first; value != NULL && status == STATUS_OK;
         value = value->next) {
        status = read_entry(r, value, keys, count, scope, target);
    }
    return status;
}

int read_section(struct config_reader *r, const char *name, const struct yaml_node *node,
                 const struct config_key *keys, size_t count, void *target)
{
    if (yaml_is_null(node)) {
        return STATUS_OK;
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, name);
    const int status = read_map(r, node, keys, count, NULL, target);
    r->context = outer;
    return status;
}
