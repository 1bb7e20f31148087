/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render/fields.h"

#include <string.h>

#include "common/codec/json.h"

/* The members of `data` that say how much or when, and not of whom: what the types of tiles have
 * besides lists and maps of items. What is not named here is not shown unless a role names it. */
static const char *const figures[] = {
    "value",     "window_ms",   "window",      "begins_at", "time_zone",      "step_ms",  "step",
    "aggregate", "points",      "starts",      "ok",        "at_risk",        "breached", "total",
    "buckets",   "oldest_at",   "min",         "max",       "next_breach_at", "unit",     "count",
    "p50",       "p95",         "p99",         "estimate",  "show",           "part",     "whole",
    "p90",       "avg",         "running",     "up",        "late",           "missing",  "other",
    "largest",   "groups",      "approximate", "error",     "increase",       "series",   "per",
    "cells",     "week_starts", "paused"};

bool fields_is_figure(struct str name)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (str_is(name, figures[i])) {
            return true;
        }
    }
    return false;
}

/* What is being written, and the path to it. */
struct writer {
    struct buf *out;
    struct lens lens;
    bool patch;
    char path[FIELD_PATH_MAX];
    size_t len;
};

/* False when the path becomes too long. */
static bool enter(struct writer *w, struct str name)
{
    const size_t dot = w->len != 0;
    if (name.len + dot > sizeof w->path - w->len) {
        return false;
    }
    memcpy(w->path + w->len, ".", dot);
    memcpy(w->path + w->len + dot, name.p, name.len);
    w->len += dot + name.len;
    return true;
}

static void put_name(struct writer *w, struct str name, bool *first)
{
    if (!*first) {
        buf_append_char(w->out, ',');
    }
    *first = false;
    json_write_string(w->out, name);
    buf_append_char(w->out, ':');
}

static void put_part(struct writer *w, const mp_value *value);

/* Appends the member whose path this is, as far as it is shown. */
static void put_member(struct writer *w, struct str name, const mp_value *value, bool *first)
{
    const struct str path = {w->path, w->len};
    if (lens_shows(w->lens, path)) {
        put_name(w, name, first);
        json_write_value(w->out, value);
    } else if (lens_shows_below(w->lens, path)) {
        if (mp_is_map(value) || mp_is_array(value)) {
            put_name(w, name, first);
            put_part(w, value);
        } else if (w->patch) {
            /* What it was before may be shown in part. */
            put_name(w, name, first);
            buf_append_text(w->out, "null");
        }
    }
}

static void put_members(struct writer *w, const mp_value *map)
{
    const size_t outer = w->len;
    bool first = true;
    buf_append_char(w->out, '{');
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        struct str name;
        if (mp_as_str(&map->via.map.ptr[i].key, &name) && enter(w, name)) {
            put_member(w, name, &map->via.map.ptr[i].val, &first);
            w->len = outer;
        }
    }
    buf_append_char(w->out, '}');
}

/* Appends a map or list that is shown in part. Items that are neither are no fields below it. */
static void put_part(struct writer *w, const mp_value *value)
{
    if (mp_is_map(value)) {
        put_members(w, value);
        return;
    }
    bool first = true;
    buf_append_char(w->out, '[');
    for (uint32_t i = 0; i < value->via.array.size; i++) {
        const mp_value *item = &value->via.array.ptr[i];
        if (mp_is_map(item) || mp_is_array(item)) {
            buf_append_text(w->out, first ? "" : ",");
            first = false;
            put_part(w, item);
        }
    }
    buf_append_char(w->out, ']');
}

void fields_put_member(struct buf *out, struct lens lens, struct str name, const mp_value *value)
{
    struct writer w = {.out = out, .lens = lens};
    bool first = false;
    if (lens_clear(lens)) {
        put_name(&w, name, &first);
        json_write_value(out, value);
    } else if (enter(&w, name)) {
        put_member(&w, name, value, &first);
    }
}

void fields_put_data(struct buf *out, struct lens lens, const mp_value *data, bool patch)
{
    struct writer w = {.out = out, .lens = lens, .patch = patch};
    bool first = true;
    if (lens_clear(lens) || !mp_is_map(data)) {
        json_write_value(out, data);
        return;
    }
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < data->via.map.size; i++) {
        const mp_value *value = &data->via.map.ptr[i].val;
        struct str name;
        w.len = 0;
        if (!mp_as_str(&data->via.map.ptr[i].key, &name)) {
            continue;
        }
        if (fields_is_figure(name)) {
            put_name(&w, name, &first);
            json_write_value(out, value);
        } else if (enter(&w, STR("data")) && enter(&w, name)) {
            put_member(&w, name, value, &first);
        }
    }
    buf_append_char(out, '}');
}

static bool truncation_shown(struct lens lens, struct str name, enum fields_of what)
{
    struct writer w = {.lens = lens};
    if (what != FIELDS_OF_EVENT && (fields_is_figure(name) || !enter(&w, STR("data")))) {
        return fields_is_figure(name);
    }
    const bool fits = enter(&w, name);
    const struct str path = {w.path, w.len};
    return lens_clear(lens) || (fits && (lens_shows(lens, path) || lens_shows_below(lens, path)));
}

void fields_put_truncated(struct buf *out, struct lens lens, const mp_value *names,
                          enum fields_of what)
{
    const size_t before = out->len;
    bool some = false;
    buf_append_text(out, ",\"truncated\":");
    for (size_t i = 0; i < mp_count(names) && mp_is_array(names); i++) {
        struct str name;
        if (mp_as_str(mp_at(names, i), &name) && truncation_shown(lens, name, what)) {
            buf_append_char(out, some ? ',' : '[');
            json_write_string(out, name);
            some = true;
        }
    }
    if (some) {
        buf_append_char(out, ']');
    } else if (what == FIELDS_OF_PATCH) {
        buf_append_text(out, "null");
    } else {
        out->len = before;
    }
}
