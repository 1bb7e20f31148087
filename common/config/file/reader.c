/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/config/file/values.h"

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

const char *config_alternatives(struct config_reader *r, const char *const *names, size_t count)
{
    struct buf list = {0};
    for (size_t i = 0; i < count; i++) {
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    }
    const char *result = config_copy(r, buf_str(&list));
    buf_free(&list);
    return result;
}

const char *config_suggest(struct config_reader *r, struct str text, const char *const *names,
                           size_t count, const char *prefix)
{
    const char *best = NULL;
    unsigned best_distance = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        const unsigned distance = config_edit_distance(text, str_of(names[i]), 64);
        if (config_similar(text, str_of(names[i])) && distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best != NULL
               ? arena_printf(r->memory, "; did you mean \"%s\"?", best)
               : arena_printf(r->memory, "%s%s", prefix, config_alternatives(r, names, count));
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

const char *config_copy(struct config_reader *r, struct str text)
{
    return arena_strndup(r->memory, text.p, text.len);
}

const char *config_path(struct config_reader *r, const char *path)
{
    return arena_printf(r->memory, "%.*s%s", *path == '/' ? 0 : (int)r->folder.len, r->folder.p,
                        path);
}

void config_one_line(struct error *err)
{
    for (char *c = err != NULL ? err->text : NULL; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
}
