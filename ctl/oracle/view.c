/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/view.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "ctl/oracle/match.h"

#define TOKEN_MAX 8192 /* bytes; gateways take no longer one */

/* Patterns, of which one has to match. */
struct patterns {
    bool given; /* False: everything matches. */
    struct str *list;
    size_t count;
};

struct grant {
    struct patterns tiles;
    struct patterns fields;
};

struct oracle_view {
    const struct config *config;
    struct json_value *claims; /* the texts of patterns are in it, or in the configuration */
    struct grant *grants;
    size_t count;
};

/* ---- What a token says ---- */

static void add(struct patterns *patterns, struct str pattern)
{
    patterns->list = x_reallocarray(patterns->list, patterns->count + 1, sizeof *patterns->list);
    patterns->list[patterns->count++] = pattern;
}

static bool add_item(void *arg, const struct json_value *item)
{
    struct str pattern;
    if (json_as_str(item, &pattern)) {
        add(arg, pattern);
    }
    return true;
}

static struct grant *new_grant(struct oracle_view *view)
{
    view->grants = x_reallocarray(view->grants, view->count + 1, sizeof *view->grants);
    view->grants[view->count] = (struct grant){0};
    return &view->grants[view->count++];
}

static struct patterns of_claim(const struct json_value *claim, struct str name)
{
    struct patterns patterns = {.given = json_member(claim, name) != NULL};
    if (patterns.given) {
        json_each_item(json_member(claim, name), add_item, &patterns);
    }
    return patterns;
}

static struct patterns of_role(const struct config_patterns *given)
{
    struct patterns patterns = {.given = given->given};
    for (size_t i = 0; i < given->count; i++) {
        add(&patterns, given->items[i]);
    }
    return patterns;
}

static bool is_among(struct str name, const struct patterns *names)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->list[i], name)) {
            return true;
        }
    }
    return false;
}

/* Which claim lists the groups depends on who has issued the token. */
static struct str groups_claim(const struct oracle_view *view)
{
    const struct config_gateway_jwt *jwt = &view->config->gateway.jwt;
    struct str issuer = STR("");
    (void)json_as_str(json_member(view->claims, STR("iss")), &issuer);
    for (size_t i = 0; i < jwt->issuer_count; i++) {
        if (str_is(issuer, jwt->issuers[i].issuer)) {
            return str_of(jwt->issuers[i].groups_claim);
        }
    }
    return STR("groups");
}

static void grant_roles(struct oracle_view *view)
{
    const struct config_gateway *gateway = &view->config->gateway;
    const struct json_value *claim = json_member(view->claims, groups_claim(view));
    struct patterns groups = {0};
    if (json_is_list(claim)) {
        json_each_item(claim, add_item, &groups);
    } else {
        (void)add_item(&groups, claim);
    }
    for (size_t i = 0; i < gateway->role_count; i++) {
        const struct config_role *role = &gateway->roles[i];
        if (strcmp(role->group, "*") == 0 || is_among(str_of(role->group), &groups)) {
            *new_grant(view) = (struct grant){of_role(&role->tiles), of_role(&role->fields)};
        }
    }
    free(groups.list);
}

/* Reads the middle one of the token's three parts. */
static int read_claims(struct oracle_view *view, struct str token, struct error *err)
{
    unsigned char bytes[TOKEN_MAX];
    size_t len = 0;
    const char *first = memchr(token.p, '.', token.len);
    const char *end = token.p + token.len;
    const char *second = first != NULL ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (second == NULL ||
        sodium_base642bin(bytes, sizeof bytes, first + 1, (size_t)(second - first - 1), NULL, &len,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        json_parse_strict((struct str){(const char *)bytes, len}, len, &view->claims) !=
            STATUS_OK) {
        return error_set(err, STATUS_INVALID,
                         "this is no token (JWT): three parts joined by dots, as `tilewire token` "
                         "makes them");
    }
    return STATUS_OK;
}

int oracle_view_create(const struct config *config, struct str token, struct oracle_view **out,
                       struct error *err)
{
    struct oracle_view *view = x_calloc(1, sizeof *view);
    view->config = config;
    *out = view;
    if (token.p == NULL) {
        (void)new_grant(view);
        return STATUS_OK;
    }
    const int status = read_claims(view, token, err);
    if (status != STATUS_OK) {
        oracle_view_destroy(out);
        return status;
    }
    const struct json_value *claim = json_member(view->claims, STR("tilewire"));
    if (claim != NULL) {
        *new_grant(view) =
            (struct grant){of_claim(claim, STR("tiles")), of_claim(claim, STR("fields"))};
    } else if (config->gateway.role_count == 0) {
        (void)new_grant(view);
    } else {
        grant_roles(view);
    }
    return STATUS_OK;
}

void oracle_view_destroy(struct oracle_view **view_p)
{
    struct oracle_view *view = *view_p;
    if (view == NULL) {
        return;
    }
    for (size_t i = 0; i < view->count; i++) {
        free(view->grants[i].tiles.list);
        free(view->grants[i].fields.list);
    }
    free(view->grants);
    json_free(view->claims);
    free(view);
    *view_p = NULL;
}

/* ---- Which tiles ---- */

static bool matches(const struct patterns *patterns, struct str name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (oracle_glob(patterns->list[i], name)) {
            return true;
        }
    }
    return !patterns->given;
}

bool oracle_view_shows(const struct oracle_view *view, const char *key)
{
    for (size_t i = 0; i < view->count; i++) {
        if (matches(&view->grants[i].tiles, str_of(key))) {
            return true;
        }
    }
    return false;
}

/* ---- Which fields ---- */

/* A tile that is written as it is seen, and the path to the member under way. */
struct writer {
    const struct oracle_view *view;
    struct str key;
    struct buf path;
    struct buf *out;
};

/* True when one of the patterns of fields that count for this tile fits the path. */
static bool some_field(const struct writer *w, bool (*fits)(struct str pattern, struct str path))
{
    for (size_t i = 0; i < w->view->count; i++) {
        const struct grant *grant = &w->view->grants[i];
        if (!matches(&grant->tiles, w->key)) {
            continue;
        }
        for (size_t k = 0; k < grant->fields.count; k++) {
            if (fits(grant->fields.list[k], buf_str(&w->path))) {
                return true;
            }
        }
        if (!grant->fields.given) {
            return true;
        }
    }
    return false;
}

/* True when the pattern could match a path that goes on behind this one. */
static bool goes_on(struct str pattern, struct str path)
{
    for (size_t i = 0; i <= path.len; i++) {
        char next = '.';
        if (i < path.len) {
            next = path.p[i];
        }
        if (i < pattern.len && pattern.p[i] == '*') {
            return true;
        }
        if (i >= pattern.len || pattern.p[i] != next) {
            return false;
        }
    }
    return true;
}

/* The figures of docs/security.md: what every bearer sees of the data. */
static bool is_figure(struct str name)
{
    static const char *const names[] = {
        "value",    "window_ms",   "window",    "begins_at", "time_zone", "step_ms",
        "step",     "aggregate",   "points",    "starts",    "ok",        "at_risk",
        "total",    "buckets",     "oldest_at", "breached",  "min",       "next_breach_at",
        "max",      "unit",        "count",     "p50",       "p95",       "p99",
        "estimate", "show",        "part",      "whole",     "p90",       "avg",
        "running",  "up",          "late",      "missing",   "other",     "largest",
        "groups",   "approximate", "error",     "increase",  "series",    "per",
        "cells",    "week_starts", "paused"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void put_seen(struct writer *w, const mp_value *value);

/* The members of a map that are seen; of the outermost one the figures are, too. */
static void put_members(struct writer *w, const mp_value *map, bool outermost)
{
    const size_t outer = w->path.len;
    struct mp_open_map open = mp_open_map(w->out);
    for (size_t i = 0; i < mp_count(map); i++) {
        const mp_value *value = &map->via.map.ptr[i].val;
        struct str name;
        if (!mp_as_str(&map->via.map.ptr[i].key, &name)) {
            continue;
        }
        buf_printf(&w->path, ".%.*s", (int)name.len, name.p);
        const bool whole = (outermost && is_figure(name)) || some_field(w, oracle_glob);
        if (whole || ((mp_is_map(value) || mp_is_array(value)) && some_field(w, goes_on))) {
            mp_put_str(w->out, name);
            open.count++;
            if (whole) {
                mp_put_value(w->out, value);
            } else {
                put_seen(w, value);
            }
        }
        w->path.len = outer;
    }
    mp_close_map(w->out, open);
}

/* What is seen of a map or list that is not seen as a whole. */
static void put_seen(struct writer *w, const mp_value *value)
{
    size_t count = 0;
    if (mp_is_map(value)) {
        put_members(w, value, false);
        return;
    }
    for (size_t i = 0; i < mp_count(value); i++) {
        count += mp_is_map(mp_at(value, i)) || mp_is_array(mp_at(value, i));
    }
    mp_put_array(w->out, count);
    for (size_t i = 0; i < mp_count(value); i++) {
        if (mp_is_map(mp_at(value, i)) || mp_is_array(mp_at(value, i))) {
            put_seen(w, mp_at(value, i));
        }
    }
}

static bool is_named(const struct writer *w, struct str name)
{
    struct writer at = *w;
    at.path = (struct buf){0};
    buf_printf(&at.path, "data.%.*s", (int)name.len, name.p);
    const bool named = is_figure(name) || some_field(&at, oracle_glob) || some_field(&at, goes_on);
    buf_free(&at.path);
    return named;
}

/* The names of what was left out of the data, as far as it could be seen. False: none of it could.
 */
static bool put_truncated(struct writer *w, const mp_value *names)
{
    struct buf list = {0};
    size_t count = 0;
    for (size_t i = 0; i < mp_count(names); i++) {
        struct str name;
        if (mp_as_str(mp_at(names, i), &name) && is_named(w, name)) {
            mp_put_str(&list, name);
            count++;
        }
    }
    if (count != 0) {
        mp_put_text(w->out, "truncated");
        mp_put_array(w->out, count);
        buf_append_str(w->out, buf_str(&list));
    }
    buf_free(&list);
    return count != 0;
}

void oracle_view_tile(const struct oracle_view *view, const char *key, const mp_value *tile,
                      struct buf *out)
{
    struct writer w = {.view = view, .key = str_of(key), .out = out};
    struct mp_open_map open = mp_open_map(out);
    for (size_t i = 0; i < mp_count(tile); i++) {
        const mp_value *name = &tile->via.map.ptr[i].key;
        const mp_value *value = &tile->via.map.ptr[i].val;
        struct str text = STR("");
        (void)mp_as_str(name, &text);
        if (str_is(text, "truncated") && mp_is_array(value)) {
            open.count += put_truncated(&w, value);
            continue;
        }
        open.count++;
        mp_put_value(out, name);
        if (str_is(text, "data") && mp_is_map(value)) {
            buf_append_text(&w.path, "data");
            put_members(&w, value, true);
            buf_clear(&w.path);
        } else {
            mp_put_value(out, value);
        }
    }
    mp_close_map(out, open);
    buf_free(&w.path);
}
