/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/cache.h"

#include <czmq.h>

#include "common/net/guard.h"
#include "common/net/link.h"
#include "common/net/listeners.h"
#include "common/net/outlet.h"
#include "common/net/server.h"
#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/metrics.h"
#include "common/program/notify.h"

#define LINK_BUDGET 500 /* Messages that are taken in before the others get their turn. */
#define QUERY_BUDGET 50 /* Requests that are answered before the others get their turn. */
#define GUARD_BUDGET 50 /* Clients that are let in before the others get their turn. */
#define XPUB_BUDGET 100 /* Subscriptions that are dequeued before the others get their turn. */

struct cache {
    const struct program *program; /* borrowed */
    struct store *store;
    struct eventlog *events;
    struct link *link;
    struct query query;
    struct server *server;
    struct guard *guard;
    struct listeners *listeners;
    struct outlet *outlet; /* hands on what the replica has accepted */
    zloop_t *loop;
    int link_timer;         /* calls `work` when nothing comes; 0: none is set */
    char instance[64];      /* another one with each start */
    bool announced;         /* the log has the line that says it is ready */
    uint64_t forwarded;     /* messages handed on */
    uint64_t not_forwarded; /* messages that could not be queued */
    uint64_t expired;       /* times that a tile went stale */
};

/* ---- Replica to subscribers ---- */

static void forward(void *arg, const struct str frames[WIRE_FRAMES])
{
    struct cache *cache = arg;
    if (outlet_send(cache->outlet, frames, WIRE_FRAMES)) {
        cache->forwarded++;
    } else {
        cache->not_forwarded++;
    }
}

static void count_expiry(void *arg, const struct tile *tile, enum store_change change,
                         const mp_value *patch, struct version base)
{
    struct cache *cache = arg;
    (void)patch;
    (void)base;
    if (change == STORE_STALE && tile->stale) {
        cache->expired++;
        log_debug("tile %s is stale: nothing has refreshed it for %lld ms", tile->key,
                  (long long)tile->ttl_ms);
    }
}

/* ---- Queries ---- */

static void describe(void *arg, struct query_state *out)
{
    struct cache *cache = arg;
    out->role = "cache";
    out->instance = cache->instance;
    out->reason = "the cache is not in sync with an upstream yet";
    replica_standing(link_replica(cache->link), clock_mono(), out);
}

static size_t stats(void *arg, struct buf *out)
{
    struct cache *cache = arg;
    const struct replica_counters *c = replica_counters(link_replica(cache->link));
    const struct metric metrics[] = {
        {"tiles", store_count(cache->store)},
        {"events_held", eventlog_count(cache->events)},
        {"deltas_applied", c->deltas},
        {"events_applied", c->events},
        {"duplicates_dropped", c->duplicates},
        {"outdated_dropped", c->outdated},
        {"malformed_dropped", c->malformed},
        {"tiles_refused", c->refused},
        {"gaps", c->gaps},
        {"gaps_healed_by_another_upstream", c->healed},
        {"snapshots", c->snapshots},
        {"snapshot_retries", c->retries},
        {"pending_overflows", c->overflows},
        {"base_mismatches", c->mismatches},
        {"tiles_of_two_lanes", store_moved(cache->store)},
        {"event_resets", c->event_resets},
        {"upstream_connections_renewed", link_renewals(cache->link)},
        {"tiles_gone_stale", cache->expired},
        {"messages_forwarded", cache->forwarded},
        {"messages_not_forwarded", cache->not_forwarded},
        {"listening", listeners_listen(cache->listeners)},
        {"listening_pauses", listeners_pauses(cache->listeners)},
        {"clients_admitted", guard_counters(cache->guard)->admitted},
        {"clients_refused", guard_counters(cache->guard)->refused},
        {"clients_without_key", guard_counters(cache->guard)->broken},
        {"queries_answered", cache->query.answered},
        {"queries_refused", cache->query.refused},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics);
}

/* ---- The loop ---- */

static int on_link_timer(zloop_t *loop, int timer, void *arg);

/* Takes in what came, lets time pass, and sets the timer for what comes next. */
static void work(struct cache *cache)
{
    const mono_time now = clock_mono();
    const bool more = link_process(cache->link, now, LINK_BUDGET);
    const uint64_t expired = cache->expired;
    store_expire(cache->store, now);
    if (cache->expired != expired) {
        log_warn("tiles gone stale, since nothing refreshes them: %llu",
                 (unsigned long long)(cache->expired - expired));
    }
    if (!cache->announced && replica_ready(link_replica(cache->link))) {
        cache->announced = true;
        const struct config_cache *config = &cache->program->config->cache;
        log_info("ready component=cache publish=%s query=%s tiles=%zu", config->publish,
                 config->query, store_count(cache->store));
        notify_status("ready");
    }
    int wait = more ? 0 : link_wait_ms(cache->link, now);
    wait = mono_ms_until(now, store_next_expiry(cache->store), wait);
    if (cache->link_timer > 0) {
        zloop_timer_end(cache->loop, cache->link_timer);
    }
    cache->link_timer =
        zloop_timer(cache->loop, (size_t)(wait > 0 ? wait : 1), 1, on_link_timer, cache);
}

static int on_link_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    struct cache *cache = arg;
    if (timer == cache->link_timer) {
        cache->link_timer = 0;
    }
    work(cache);
    return 0;
}

static int on_link(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    work(arg);
    return 0;
}

static int on_query(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct cache *cache = arg;
    (void)server_process(cache->server, clock_mono(), QUERY_BUDGET);
    return 0;
}

/* libzmq itself sends each subscriber what it wants. The subscriptions are here only to be taken
 * off the queue. */
static int on_subscription(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)arg;
    struct buf frame = {0};
    for (int i = 0; i < XPUB_BUDGET; i++) {
        if (socket_receive(item->socket, &frame, 1, WIRE_TOPIC_MAX + 1) == 0) {
            break;
        }
    }
    buf_free(&frame);
    return 0;
}

static int on_listeners_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    struct cache *cache = arg;
    listeners_check(cache->listeners);
    guard_count_broken(cache->guard, clock_mono());
    notify_alive(clock_mono());
    return 0;
}

static int on_guard(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct cache *cache = arg;
    guard_process(cache->guard, clock_mono(), GUARD_BUDGET);
    return 0;
}

/* SIGHUP: who may connect, and nothing else. */
static void reload(struct cache *cache)
{
    struct config *config = NULL;
    struct error err = {{0}};
    int status = config_load(cache->program->config_path, &config, &err);
    if (status == STATUS_OK) {
        config->program = cache->program->name;
        status = guard_change(cache->guard, config, &err);
    }
    if (status == STATUS_OK) {
        log_info("SIGHUP: who may connect is read again; restart a cache to change anything else");
    } else {
        log_error("SIGHUP: %s", err.text);
    }
    config_destroy(&config);
}

static int on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct cache *cache = arg;
    const int signal = program_signal(cache->program);
    if (signal == SIGHUP) {
        reload(cache);
        return 0;
    }
    return signal != 0 ? -1 : 0;
}

int cache_create(const struct program *program, struct cache **out, struct error *err)
{
    const struct config *config = program->config;
    struct cache *cache = x_calloc(1, sizeof *cache);
    *out = cache;
    cache->program = program;
    snprintf(cache->instance, sizeof cache->instance, "cache-%d-%lld", (int)getpid(),
             (long long)clock_wall().us);
    const struct store_listener listener = {.changed = count_expiry, .arg = cache};
    cache->store = store_create(config->cache.limits.tiles, &listener);
    cache->events = eventlog_create(config->cache.events, config->cache.events_memory_bytes, NULL);
    cache->query = (struct query){.store = cache->store,
                                  .events = cache->events,
                                  .state = describe,
                                  .stats = stats,
                                  .arg = cache};
    query_init(&cache->query);
    cache->loop = zloop_new();
    cache->listeners = listeners_create();
    if (guard_create(config, &cache->guard, err) != STATUS_OK ||
        (cache->outlet = outlet_create(ZMQ_XPUB, config->cache.publish, config, err)) == NULL ||
        server_create(config->cache.query, config, &cache->query, &cache->server, err) !=
            STATUS_OK ||
        link_create(config, &config->cache.upstreams, config->cache.events, cache->store,
                    cache->events, forward, cache, &cache->link, err) != STATUS_OK) {
        cache_destroy(out);
        return STATUS_IO;
    }
    guard_watch(cache->guard, outlet_socket(cache->outlet));
    guard_watch(cache->guard, server_socket(cache->server));
    listeners_add(cache->listeners, outlet_socket(cache->outlet));
    listeners_add(cache->listeners, server_socket(cache->server));
    return STATUS_OK;
}

void cache_destroy(struct cache **cache_p)
{
    struct cache *cache = *cache_p;
    if (cache == NULL) {
        return;
    }
    zloop_destroy(&cache->loop);
    listeners_destroy(&cache->listeners);
    link_destroy(&cache->link);
    guard_destroy(&cache->guard);
    server_destroy(&cache->server);
    outlet_destroy(&cache->outlet);
    query_free(&cache->query);
    eventlog_destroy(&cache->events);
    store_destroy(&cache->store);
    free(cache);
    *cache_p = NULL;
}

/* Calls the handler when the socket (or, if that is NULL, the descriptor) is readable. */
static void poll_on(struct cache *cache, void *socket, int fd, zloop_fn *handler)
{
    zmq_pollitem_t item = {socket, fd, ZMQ_POLLIN, 0};
    zloop_poller(cache->loop, &item, handler, cache);
    zloop_poller_set_tolerant(cache->loop, &item);
}

int cache_run(struct cache *cache)
{
    poll_on(cache, NULL, link_fd(cache->link), on_link);
    poll_on(cache, server_socket(cache->server), 0, on_query);
    poll_on(cache, outlet_socket(cache->outlet), 0, on_subscription);
    if (guard_socket(cache->guard) != NULL) {
        poll_on(cache, guard_socket(cache->guard), 0, on_guard);
    }
    poll_on(cache, NULL, cache->program->signals, on_signal);
    zloop_timer(cache->loop, LISTENERS_CHECK_MS, 0, on_listeners_timer, cache);
    notify_ready("no upstream has answered yet");
    work(cache);
    zloop_start(cache->loop);
    notify_stopping();
    log_info("stopped");
    return STATUS_OK;
}
