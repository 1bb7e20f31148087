/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/tile_metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/codec/mp.h"
#include "common/store/store_list.h"
#include "gateway/api/api.h"
#include "gateway/api/cost.h"
#include "gateway/api/visible.h"
#include "gateway/http/reply.h"
#include "gateway/stream/render/fields.h"

#define GAUGES_MAX 64       /* different members; what tiles have beyond that is left out */
#define GAUGE_NAME_MAX 64   /* bytes of a member's name, with the NUL */
#define TILE_STEPS 100      /* The work of reading a tile. */
#define BYTES_A_STEP 16     /* of the answer */
#define TOO_MANY_BYTES 1024 /* What one series may add when the answer is nearly full. */

/* All series of one name, which have to stand together. */
struct gauge {
    char name[GAUGE_NAME_MAX]; /* The member, or what it is called instead: "value". */
    struct buf lines;          /* Of this request. */
};

struct exposition {
    const struct selection *selection; /* What the client wants, and may see. */
    struct gauge gauges[GAUGES_MAX];   /* in the order of their first series */
    size_t count;                      /* of the gauges in use */
    size_t series;                     /* written so far */
    size_t series_max;                 /* gateway.limits.series */
    size_t bytes;                      /* of all lines */
    size_t bytes_max;                  /* gateway.limits.answer, less some room */
    uint64_t left_out;                 /* Series beyond these. */
    uint64_t steps;                    /* The work so far. */
    struct buf labels;                 /* Of the tile that is written: `key="…",type="…"`. */
};

/* Prometheus knows three escapes; all else stands for itself. */
static void put_label(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.p[i];
        if (c == '\n') {
            buf_append_text(out, "\\n");
        } else {
            buf_append_text(out, c == '"' || c == '\\' ? "\\" : "");
            buf_append_char(out, c);
        }
    }
    buf_append_char(out, '"');
}

/* Prometheus keeps _total and _count for counters and histograms. */
static struct str name_of(struct str member)
{
    return str_is(member, "total") ? STR("items") : str_is(member, "count") ? STR("rows") : member;
}

/* The gauge of that member; NULL when there is no room, or the name cannot be one of Prometheus. */
static struct gauge *gauge_of(struct exposition *e, struct str name)
{
    for (size_t i = 0; i < e->count; i++) {
        if (str_is(name, e->gauges[i].name)) {
            return &e->gauges[i];
        }
    }
    if (e->count == GAUGES_MAX || name.len >= GAUGE_NAME_MAX) {
        return NULL;
    }
    struct gauge *gauge = &e->gauges[e->count++];
    snprintf(gauge->name, sizeof gauge->name, "%.*s", (int)name.len, name.p);
    return gauge;
}

/* item: what a map's number is called; STR_NULL for a number that stands by itself. */
static void put_series(struct exposition *e, struct str member, struct str item, double value)
{
    struct gauge *gauge = gauge_of(e, name_of(member));
    if (gauge == NULL || e->series == e->series_max ||
        e->bytes + e->labels.len + 2 * item.len > e->bytes_max) {
        e->left_out++;
        return;
    }
    struct buf *out = &gauge->lines;
    const size_t before = out->len;
    buf_printf(out, "tilewire_tile_%s{", gauge->name);
    buf_append_str(out, buf_str(&e->labels));
    if (item.p != NULL) {
        put_label(out, ",name", item);
    }
    if (isfinite(value)) {
        buf_printf(out, "} %.17g\n", value);
    } else {
        buf_append_text(out, "} NaN\n");
    }
    e->series++;
    e->bytes += out->len - before;
}

/* ---- What a tile has ---- */

/* The start of the last bucket that is over, in ms since 1970; false when there is none. */
static bool last_complete(const mp_value *data, wall_time as_of, int64_t *start_ms)
{
    const mp_value *starts = mp_get(data, "starts");
    const size_t count = mp_is_array(starts) ? mp_count(starts) : 0;
    int64_t step_ms = 0;
    if (mp_is_array(starts)) {
        return count >= 2 && mp_as_int(mp_at(starts, count - 2), start_ms);
    }
    if (!mp_as_int(mp_get(data, "step_ms"), &step_ms) || step_ms <= 0) {
        return false;
    }
    const int64_t now_ms = as_of.us / US_PER_MS;
    *start_ms = (now_ms / step_ms - (now_ms % step_ms < 0)) * step_ms - step_ms;
    return true;
}

/* A bucket without rows is absent: then it is 0 if rows are counted or added up, and else unknown.
 */
static void put_trend(struct exposition *e, const mp_value *data, wall_time as_of)
{
    int64_t start_ms;
    char name[24];
    double value = 0;
    struct str aggregate = STR("");
    if (!last_complete(data, as_of, &start_ms)) {
        return;
    }
    snprintf(name, sizeof name, "%" PRId64, start_ms);
    (void)mp_as_str(mp_get(data, "aggregate"), &aggregate);
    if (mp_as_number(mp_get(mp_get(data, "points"), name), &value) || str_is(aggregate, "count") ||
        str_is(aggregate, "sum")) {
        put_series(e, STR("value"), STR_NULL, value);
    }
}

/* Lengths of windows and steps are configured, and no figures. */
static bool is_gauge(struct str name)
{
    return fields_is_figure(name) && !str_is(name, "window_ms") && !str_is(name, "step_ms") &&
           !str_is(name, "points");
}

static void put_members(struct exposition *e, const mp_value *data)
{
    for (uint32_t i = 0; mp_is_map(data) && i < data->via.map.size; i++) {
        const mp_value *member = &data->via.map.ptr[i].val;
        struct str name;
        double value;
        if (!mp_as_str(&data->via.map.ptr[i].key, &name) || !is_gauge(name)) {
            continue;
        }
        if (mp_as_number(member, &value)) {
            put_series(e, name, STR_NULL, value);
        }
        for (uint32_t k = 0; mp_is_map(member) && k < member->via.map.size; k++) {
            struct str item;
            if (mp_as_str(&member->via.map.ptr[k].key, &item) &&
                mp_as_number(&member->via.map.ptr[k].val, &value)) {
                put_series(e, name, item, value);
            }
        }
    }
}

static void put_labels(struct exposition *e, const struct tile *tile, const mp_value *value)
{
    const struct str key = {tile->key, tile->key_len};
    const char *slash = memchr(key.p, '/', key.len);
    struct str text;
    buf_clear(&e->labels);
    put_label(&e->labels, "key", key);
    if (mp_as_str(mp_get(value, "type"), &text)) {
        put_label(&e->labels, ",type", text);
    }
    if (slash != NULL && mp_as_str(mp_get(mp_get(value, "group"), "value"), &text)) {
        put_label(&e->labels, ",family", (struct str){key.p, (size_t)(slash - key.p)});
        put_label(&e->labels, ",group", text);
    }
}

/* Tiles without thresholds have no status. */
static void put_status(struct exposition *e, const mp_value *value)
{
    static const char *const levels[] = {"ok", "warn", "critical"};
    struct str status;
    if (!mp_as_str(mp_get(value, "status"), &status)) {
        return;
    }
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (str_is(status, levels[i])) {
            put_series(e, STR("status"), STR_NULL, (double)i);
        }
    }
}

static bool put_tile(void *arg, const struct tile *tile)
{
    struct exposition *e = arg;
    struct mp_doc doc;
    e->steps += TILE_STEPS;
    mp_doc_init(&doc);
    if (mp_parse(&doc, tile->value->data, tile->value->len) == STATUS_OK) {
        const mp_value *data = mp_get(&doc.root, "data");
        put_labels(e, tile, &doc.root);
        put_series(e, STR("stale"), STR_NULL, tile->stale);
        put_status(e, &doc.root);
        if (mp_get(data, "points") != NULL) {
            put_trend(e, data, tile->as_of);
        }
        put_members(e, data);
    }
    mp_doc_free(&doc);
    return true;
}

/* ---- The answer ---- */

static bool wanted(void *arg, const struct tile *tile)
{
    struct exposition *e = arg;
    e->steps++;
    return selection_steps(e->selection) < COST_FIND_MAX &&
           selection_matches(e->selection, (struct str){tile->key, tile->key_len});
}

static const char *help_of(const char *member)
{
    return strcmp(member, "stale") == 0    ? "1 when nothing has confirmed the tile for its ttl."
           : strcmp(member, "status") == 0 ? "0 when the tile is ok, 1 for warn, 2 for critical."
           : strcmp(member, "value") == 0
               ? "The value of the tile; of a trend that of its last complete bucket."
               : "A figure of the tile; docs/tiles.md says which.";
}

static void put_all(struct exposition *e, struct buf *out)
{
    for (size_t i = 0; i < e->count; i++) {
        struct gauge *gauge = &e->gauges[i];
        if (gauge->lines.len != 0) {
            buf_printf(out, "# HELP tilewire_tile_%s %s\n# TYPE tilewire_tile_%s gauge\n",
                       gauge->name, help_of(gauge->name), gauge->name);
            buf_append_str(out, buf_str(&gauge->lines));
        }
        buf_free(&gauge->lines);
    }
    buf_printf(out,
               "# HELP tilewire_tiles_series_left_out Series that limits.series or limits.answer "
               "had no room for.\n# TYPE tilewire_tiles_series_left_out gauge\n"
               "tilewire_tiles_series_left_out %" PRIu64 "\n",
               e->left_out);
}

enum MHD_Result api_tile_metrics(struct request *request)
{
    struct api *api = api_of(request);
    const struct config_gateway_limits *limits = &api->config->gateway.limits;
    static const char *const headers[] = {"Cache-Control", "no-cache", NULL};
    struct selection selection;
    enum MHD_Result result;
    if (!visible_selection(request, VIEW_TILES, &selection, &result)) {
        return result;
    }
    if (!replica_ready(api->replica)) {
        selection_free(&selection);
        return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                             "This gateway has no tiles yet: it is not in sync with its upstream.",
                             1);
    }
    struct exposition e = {.selection = &selection,
                           .series_max = limits->series,
                           .bytes_max = limits->answer_bytes / 2 - TOO_MANY_BYTES};
    store_list_wanted(api->store, wanted, put_tile, &e);
    struct buf body = {0};
    put_all(&e, &body);
    request->steps += e.steps + selection_steps(&selection) + body.len / BYTES_A_STEP;
    api->counters.series_left_out += e.left_out;
    result = selection_steps(&selection) >= COST_FIND_MAX
                 ? cost_refuse(request)
                 : reply_body(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                              buf_str(&body), headers);
    buf_free(&body);
    buf_free(&e.labels);
    selection_free(&selection);
    return result;
}
