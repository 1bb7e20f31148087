/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/several.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

struct child {
    struct config config; /* as if this source were the only one */
    const struct config_source *source;
    struct oracle_source *open; /* NULL: it could not be opened */
    struct oracle_rows *rows;
    struct error why; /* it could not be read when it was last tried; empty: it was */
};

struct several {
    struct oracle_source base;
    oracle_open_fn *open_one;
    struct child *children; /* in the order of their names */
    size_t count;
    bool anew; /* The next load reads all rows. */
};

static void try_to_open(const struct several *s, struct child *child)
{
    struct error err = {{0}};
    if (child->open == NULL && s->open_one(&child->config, &child->open, &err) != STATUS_OK) {
        child->open = NULL;
        error_set(&child->why, STATUS_IO, "source %s cannot be read: %s", child->source->name,
                  err.text);
    }
}

static void forget_rows(struct child *child)
{
    oracle_rows_clear(child->rows);
    if (child->open != NULL) {
        child->open->newest = 0;
        child->open->unusable = 0;
        child->open->rewind(child->open);
    }
}

/* Reads on in a source, or all of it. */
static void load_one(const struct several *s, struct child *child)
{
    struct error err = {{0}};
    if (s->anew) {
        try_to_open(s, child);
        forget_rows(child);
    }
    if (child->open == NULL) {
        return;
    }
    child->why.text[0] = '\0';
    child->open->between = s->base.between;
    child->open->arg = s->base.arg;
    if (child->open->load(child->open, child->rows, &err) != STATUS_OK) {
        error_set(&child->why, STATUS_IO, "source %s cannot be read: %s", child->source->name,
                  err.text);
        forget_rows(child);
    }
}

static void take(struct oracle_source *base, const struct child *child, struct oracle_rows *rows)
{
    oracle_rows_join(rows, child->rows);
    base->unusable += child->open->unusable;
    if (child->open->warning.text[0] != '\0' && base->warning.text[0] == '\0') {
        error_set(&base->warning, STATUS_AGAIN, "source %s: %s", child->source->name,
                  child->open->warning.text);
    }
}

static int several_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct several *s = (struct several *)base;
    size_t read = 0;
    oracle_rows_clear(rows);
    base->unusable = 0;
    base->warning.text[0] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        load_one(s, child);
        if (child->why.text[0] == '\0') {
            take(base, child, rows);
            read++;
        }
    }
    s->anew = false;
    base->newest = (int64_t)oracle_rows_count(rows);
    return read != 0 ? STATUS_OK : error_set(err, STATUS_IO, "%s", s->children[0].why.text);
}

static void several_rewind(struct oracle_source *base)
{
    ((struct several *)base)->anew = true;
}

static const char *several_unread(const struct oracle_source *base, const struct tile_config *tile)
{
    const struct several *s = (const struct several *)base;
    for (size_t i = 0; i < s->count; i++) {
        const struct child *child = &s->children[i];
        if (child->why.text[0] != '\0' && (tile->source == NULL || tile->source == child->source)) {
            return child->why.text;
        }
    }
    return NULL;
}

static void several_close(struct oracle_source *base)
{
    struct several *s = (struct several *)base;
    for (size_t i = 0; i < s->count; i++) {
        if (s->children[i].open != NULL) {
            s->children[i].open->close(s->children[i].open);
        }
        oracle_rows_destroy(&s->children[i].rows);
    }
    free(s->children);
    free(s);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct child *)a)->source->name, ((const struct child *)b)->source->name);
}

struct oracle_source *oracle_several_open(const struct config *config, oracle_open_fn *open_one)
{
    struct several *s = x_calloc(1, sizeof *s);
    s->base.texts = true;
    s->base.load = several_load;
    s->base.rewind = several_rewind;
    s->base.unread = several_unread;
    s->base.close = several_close;
    s->open_one = open_one;
    s->count = config->source_count;
    s->children = x_calloc(s->count, sizeof *s->children);
    for (size_t i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        child->source = &config->sources[i];
        child->config = *config;
        child->config.source = config->sources[i];
        child->rows = oracle_rows_create_of(config, child->source);
    }
    qsort(s->children, s->count, sizeof *s->children, by_name);
    for (size_t i = 0; i < s->count; i++) {
        try_to_open(s, &s->children[i]);
    }
    return &s->base;
}
