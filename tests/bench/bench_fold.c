/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the fold is: rows prepared in memory, 20 tiles defined, one core. Prints rows per second
 * of CPU time, so that what else the machine does counts little.
 *
 *   bench_fold [ROWS [SET]]     SET is mixed (by default), or 20 tiles that are all alike: see
 * `sets`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "ingestor/fold/fold.h"

static const char config_text[] =
    "source: {uri: \"sqlite:x.db\"}\n"
    "tiles:\n"
    "  - {key: orders.created, type: count, match: {event_type: order.created}, window: 5m}\n"
    "  - {key: orders.hour, type: count, match: {event_type: order.created}, window: 1h}\n"
    "  - {key: orders.ever, type: count, match: {event_type: \"order.*\"}}\n"
    "  - {key: orders.rate, type: trend, match: {event_type: order.created}, step: 10s, length: "
    "60, "
    "aggregate: count}\n"
    "  - {key: orders.shipped, type: count, match: {event_type: order.shipped}}\n"
    "  - {key: orders.shipping, type: trend, match: {event_type: order.shipped}, step: 1m, length: "
    "60, aggregate: count}\n"
    "  - {key: queue.depth, type: gauge, metric: queue.depth}\n"
    "  - {key: queue.trend, type: trend, metric: queue.depth, step: 10s, length: 60, aggregate: "
    "avg}\n"
    "  - {key: cpu.a, type: gauge, metric: cpu.load, labels: {host: a}}\n"
    "  - {key: cpu.b, type: gauge, metric: cpu.load, labels: {host: b}}\n"
    "  - {key: cpu.max, type: trend, metric: cpu.load, step: 10s, length: 60, aggregate: max}\n"
    "  - {key: tickets.sla, type: sla_risk, opens: {event_type: ticket.opened}, closes: "
    "{event_type: "
    "ticket.resolved}, item: target_id, within: 4h}\n"
    "  - {key: tickets.opened, type: count, match: {event_type: ticket.opened}, window: 1h}\n"
    "  - {key: work.backlog, type: backlog, item: target_id, states: {work_item_created: open, "
    "work_item_claimed: busy, work_item_blocked: blocked, work_item_done: null}}\n"
    "  - {key: work.created, type: trend, match: {event_type: work_item_created}, step: 1m, "
    "length: "
    "60, aggregate: count}\n"
    "  - {key: work.done, type: trend, match: {event_type: work_item_done}, step: 1m, length: 60, "
    "aggregate: count}\n"
    "  - {key: ada, type: count, match: {actor_id: ada}}\n"
    "  - {key: errors, type: count, match: {event_type: \"error.*\"}}\n"
    "  - {key: logins, type: count, match: {event_type: login}}\n"
    "  - {key: all, type: count}\n";

/* Of the others there are 20 copies, and every row or metric goes into all of them. */
static const struct set {
    const char *name;
    const char *tile;
} sets[] = {
    {"mixed", NULL},
    {"count", "type: count, match: {event_type: \"*\"}, window: 5m"},
    {"sla_risk", "type: sla_risk, opens: {event_type: \"order.*\"}, closes: {event_type: "
                 "work_item_done}, item: target_id, within: 8h"},
    {"business", "type: sla_risk, opens: {event_type: \"order.*\"}, closes: {event_type: "
                 "work_item_done}, item: target_id, within: 8h, calendar: desk"},
    {"ratio", "type: ratio, match: {event_type: \"order.*\"}, of: {event_type: \"*\"}, window: 5m"},
    {"percentile", "type: percentile, metric: cpu.load, window: 5m"},
    {"duration", "type: duration, opens: {event_type: work_item_created}, closes: {event_type: "
                 "work_item_claimed}, item: target_id, window: 5m"},
    {"presence",
     "type: presence, match: {event_type: [work_item_created, work_item_claimed]}, item: "
     "target_id, late: 1m, steady: 5m"},
    {"distinct",
     "type: distinct, match: {event_type: \"work_item_*\"}, item: target_id, window: 5m"},
    {"top", "type: top, match: {event_type: \"work_item_*\"}, item: target_id, window: 5m"},
    {"top_sum", "type: top, match: {event_type: \"metrics.updated\"}, item: payload.labels.host, "
                "aggregate: sum, value: payload.value, window: 5m"},
    {"rate", "type: rate, match: {event_type: \"*\"}, window: 5m"},
    {"rate_counters", "type: rate, metric: cpu.load, item: payload.labels.host, window: 5m"},
    {"heatmap", "type: heatmap, match: {event_type: \"*\"}, window: 28d"},
    {"heatmap_sum", "type: heatmap, metric: cpu.load, aggregate: sum, window: 28d"},
    {"number", "type: number, metric: cpu.load, aggregate: avg, window: 5m"},
};

static const struct set *find_set(const char *name)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return &sets[i];
        }
    }
    fprintf(stderr, "bench_fold: there is no set of tiles called %s\n", name);
    exit(EXIT_FAILURE);
}

static struct config *configure(const struct set *set)
{
    struct buf text = {0};
    struct config *config;
    struct error err = {{0}};
    buf_append_text(&text, set->tile == NULL
                               ? config_text
                               : "source: {uri: \"sqlite:x.db\"}\n"
                                 "calendars: [{name: desk, time_zone: Europe/Berlin, mon: "
                                 "08:00-18:00, tue: 08:00-18:00, wed: 08:00-18:00, thu: "
                                 "08:00-18:00, fri: 08:00-16:00}]\ntiles:\n");
    for (int i = 0; i < 20 && set->tile != NULL; i++) {
        buf_printf(&text, "  - {key: t%d, %s}\n", i, set->tile);
    }
    if (config_parse(text.data, text.len, "bench", &config, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILURE);
    }
    buf_free(&text);
    return config;
}

/* One in ten rows is a metric, whose payload has to be read. */
static const char *const types[] = {"order.created",     "order.created",     "order.shipped",
                                    "work_item_created", "work_item_claimed", "work_item_claimed",
                                    "work_item_done",    "ticket.opened",     "ticket.resolved",
                                    "metrics.updated"};

static void ignore(void *arg, const struct fold_output *output)
{
    (void)output;
    ++*(size_t *)arg;
}

int main(int argc, char **argv)
{
    const size_t rows = argc > 1 ? (size_t)atol(argv[1]) : 2000000;
    struct config *config = configure(find_set(argc > 2 ? argv[2] : "mixed"));
    struct fold *fold = fold_create(config, UINT64_MAX);
    char(*targets)[16] = x_calloc(20000, sizeof *targets);
    for (int i = 0; i < 20000; i++) {
        snprintf(targets[i], sizeof targets[i], "item-%d", i);
    }
    struct moment now = clock_now();
    unsigned seed = 1;
    size_t outputs = 0;
    const clock_t begun = clock();
    for (size_t i = 0; i < rows; i++) {
        const int type = rand_r(&seed) % 10;
        const struct event event = {
            .id = {.number = (int64_t)i + 1},
            .ordinal = i + 1,
            .timestamp = {now.wall.us - (int64_t)(rows - i) * 100},
            .arrival = now.wall,
            .event_type = str_of(types[type]),
            .actor_id = STR("ada"),
            .target_id = str_of(targets[rand_r(&seed) % 20000]),
            .payload = type == 9 ? STR("{\"metric\":\"cpu.load\",\"value\":42.5,\"labels\":{"
                                       "\"host\":\"a\"}}")
                                 : STR_NULL,
        };
        fold_event(fold, &event, now);
        if (i % 4000 == 0) {
            fold_flush(fold, now, ignore, &outputs);
        }
    }
    const double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
    printf("%zu rows, %zu tiles: %.0f rows/s, %.0f ns a row\n", rows, config->tile_count,
           (double)rows / seconds, seconds * 1e9 / (double)rows);
    free(targets);
    fold_destroy(&fold);
    config_destroy(&config);
    return EXIT_SUCCESS;
}
