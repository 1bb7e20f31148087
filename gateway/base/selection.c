/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/selection.h"

#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"

static int compare(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    const int order = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static bool pattern_valid(struct str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.p[i] <= ' ' || pattern.p[i] > '~' || pattern.p[i] == '"') {
            return false;
        }
    }
    return pattern.len != 0;
}

static size_t split(const char *text, struct str *out)
{
    size_t count = 0;
    for (const char *p = text;;) {
        const size_t len = strcspn(p, ",");
        if (count == SELECTION_PATTERNS_MAX || !pattern_valid((struct str){p, len})) {
            return 0;
        }
        out[count++] = (struct str){p, len};
        if (p[len] == '\0') {
            return count;
        }
        p += len + 1;
    }
}

/* Writes the patterns, each once, into memory of their own. */
static void store(struct selection *out, const struct str *parts, size_t count, size_t len)
{
    out->text = x_calloc(1, len + 2);
    out->patterns = x_calloc(count, sizeof *out->patterns);
    char *p = out->text;
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && str_equal(parts[i], parts[i - 1])) {
            continue;
        }
        if (p != out->text) {
            *p++ = ',';
        }
        memcpy(p, parts[i].p, parts[i].len);
        out->patterns[out->count++] = (struct str){p, parts[i].len};
        p += parts[i].len;
    }
}

int selection_parse(struct selection *out, const char *text)
{
    *out = (struct selection){0};
    if (text == NULL || text[0] == '\0' || strcmp(text, "*") == 0) {
        out->text = x_strdup("");
        return STATUS_OK;
    }
    const size_t len = strlen(text);
    struct str parts[SELECTION_PATTERNS_MAX];
    const size_t count = len <= SELECTION_TEXT_MAX ? split(text, parts) : 0;
    if (count == 0) {
        return STATUS_INVALID;
    }
    qsort(parts, count, sizeof *parts, compare);
    store(out, parts, count, len);
    return STATUS_OK;
}

void selection_free(struct selection *selection)
{
    free(selection->text);
    free(selection->patterns);
    *selection = (struct selection){0};
}

bool selection_matches(const struct selection *selection, struct str name)
{
    for (size_t i = 0; i < selection->count; i++) {
        if (str_glob(selection->patterns[i], name)) {
            return true;
        }
    }
    return selection->count == 0;
}
