/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "common/program/notify.h"
#include "gateway/admin.h"
#include "gateway/api/asset_files.h"
#include "gateway/api/push.h"
#include "gateway/api/routes.h"
#include "gateway/api/tiles.h"
#include "gateway/api/wait.h"
#include "gateway/base/tag.h"
#include "gateway/changes.h"
#include "gateway/gateway_state.h"
#include "gateway/http/detach.h"
#include "gateway/limits.h"
#include "gateway/serving.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/sse.h"
#include "gateway/ws/session.h"

#define EPOLL_EVENTS 512
#define LINK_BUDGET 256 /* Messages that are taken in before the other parts get their turn. */
#define SEND_BUDGET 256 /* Calls of send() before the other parts get their turn. */
#define SWEEP_MS 1000
#define LATE_MS 10000     /* Clients say of data that is so old that it is late. */
#define SYNC_WAIT_MS 2000 /* For so long a new gateway lets others on its port serve. */
#define DRAIN_STEP_MS 50  /* Between one share of the streams and the next, while draining. */
#define FINISH_MS 1000    /* After the last share, for answers that are under way. */
#define FRESH_MS 500      /* For so long an idle connection may yet ask something while draining. */

_Static_assert(STREAMS_EPOLL_TAG == (uint64_t)TAG_STREAM << TAG_SHIFT, "streams have a tag, too");

/* ---- The loop ---- */

static bool watch(struct gateway *gateway, int fd, uint32_t events, enum tag_kind kind)
{
    struct epoll_event event = {.events = events, .data.u64 = tag_of(kind)};
    return epoll_ctl(gateway->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool watch_all(struct gateway *gateway)
{
    for (size_t i = 0; gateway->asker != NULL && i < asker_count(gateway->asker); i++) {
        if (!watch(gateway, asker_fd(gateway->asker, i), EPOLLIN, TAG_LINK)) {
            return false;
        }
    }
    return watch(gateway, gateway->program->signals, EPOLLIN, TAG_SIGNAL) &&
           watch(gateway, link_fd(gateway->link), EPOLLIN, TAG_LINK) &&
           (gateway->admin == NULL ||
            watch(gateway, http_epoll_fd(gateway->admin), EPOLLIN, TAG_HTTP));
}

static void start_draining(struct gateway *gateway)
{
    const int64_t drain_ms = gateway->config->gateway.drain_ms;
    log_info("draining: %zu streams are told to come back, over %lld ms",
             streams_count(gateway->streams), (long long)drain_ms);
    gateway->turn.draining = true;
    notify_stopping();
    gateway->drain_until = mono_add_ms(gateway->turn.now, drain_ms);
    gateway->finish_at = mono_add_ms(gateway->drain_until, FINISH_MS);
    gateway->drain_at = gateway->turn.now;
    http_stop_listening(gateway->http);
}

/* Ends an even share of the streams, and of the requests that wait, every DRAIN_STEP_MS. True when
 * none is left and each connection has got its answer, or when the time for that is over. */
static bool drain(struct gateway *gateway)
{
    const size_t streams = streams_count(gateway->streams);
    const size_t waiting = waiting_count(gateway->waiting);
    if (gateway->turn.now.us >= gateway->drain_at.us) {
        const int64_t left_us = gateway->drain_until.us - gateway->turn.now.us;
        const size_t steps = left_us > 0 ? (size_t)(left_us / (DRAIN_STEP_MS * US_PER_MS)) + 1 : 1;
        gateway->drain_at = mono_add_ms(gateway->turn.now, DRAIN_STEP_MS);
        (void)streams_drain(gateway->streams, (streams + steps - 1) / steps, 3000);
        (void)waiting_drain(gateway->waiting, (waiting + steps - 1) / steps);
        http_end_idle(gateway->http, FRESH_MS);
    }
    return gateway->turn.now.us >= gateway->finish_at.us ||
           (streams_count(gateway->streams) == 0 && http_connection_count(gateway->http) == 0);
}

static void on_signal(struct gateway *gateway)
{
    const int signal = program_signal(gateway->program);
    if (signal == SIGHUP) {
        gateway_reload(gateway);
    } else if (signal != 0 && !gateway->turn.draining) {
        start_draining(gateway);
    } else if (signal != 0) {
        gateway->drain_until = gateway->turn.now; /* told twice: everything ends at once */
        gateway->drain_at = gateway->turn.now;
        gateway->finish_at = mono_add_ms(gateway->turn.now, DRAIN_STEP_MS);
    }
}

/* Streams get a heartbeat when it is time for one, and as soon as the data becomes late or is late
 * no longer: who looks at it should not have to wait for that. */
static void heartbeat(struct gateway *gateway)
{
    const wall_time now = clock_wall();
    const wall_time as_of = api_as_of(&gateway->api);
    const bool late = as_of.us != 0 && now.us - as_of.us >= LATE_MS * US_PER_MS;
    if (late != gateway->late || gateway->turn.now.us >= gateway->heartbeat_at.us) {
        gateway->late = late;
        gateway->heartbeat_at =
            mono_add_ms(gateway->turn.now, gateway->config->gateway.heartbeat_ms);
        feed_heartbeat(gateway->streams, now, as_of, asset_files_version);
    }
}

static void timers(struct gateway *gateway)
{
    heartbeat(gateway);
    notify_alive(gateway->turn.now);
    if (gateway->turn.now.us >= gateway->sweep_at.us) {
        gateway->sweep_at = mono_add_ms(gateway->turn.now, SWEEP_MS);
        streams_sweep(gateway->streams, gateway->turn.now);
        clients_sweep(gateway->clients, gateway->turn.now);
        if (gateway->auth != NULL) {
            auth_sweep(gateway->auth, clock_wall());
        }
        http_sweep(gateway->http);
        admin_sweep(gateway);
    }
    if (streams_paused(gateway->streams) != 0 && gateway->turn.now.us >= gateway->resume_at.us) {
        gateway->resume_at = mono_add_ms(gateway->turn.now, STREAMS_RESUME_MS);
        streams_resume(gateway->streams);
    }
    http_relieve(gateway->http);
    store_expire(gateway->store, gateway->turn.now);
    waiting_expire(gateway->waiting, gateway->turn.now);
}

static int wait_ms(const struct gateway *gateway)
{
    int wait = link_wait_ms(gateway->link, gateway->turn.now);
    wait = mono_ms_until(gateway->turn.now, gateway->heartbeat_at, wait);
    wait = mono_ms_until(gateway->turn.now, gateway->sweep_at, wait);
    wait = mono_ms_until(gateway->turn.now, store_next_expiry(gateway->store), wait);
    wait = mono_ms_until(gateway->turn.now, waiting_next(gateway->waiting), wait);
    if (streams_paused(gateway->streams) != 0) {
        wait = mono_ms_until(gateway->turn.now, gateway->resume_at, wait);
    }
    if (gateway->turn.draining) {
        wait = mono_ms_until(gateway->turn.now, gateway->drain_at, wait);
    }
    if (gateway->asker != NULL) {
        wait = mono_ms_until(gateway->turn.now, asker_next(gateway->asker), wait);
    }
    wait = admin_wait_ms(gateway, wait);
    return gateway->serving ? http_wait_ms(gateway->http, wait)
                            : mono_ms_until(gateway->turn.now, gateway->serve_at, wait);
}

/* Hands each event to its owner. The link and the HTTP side see for themselves which of their
 * descriptors it is, once a turn and later: *link and *http are set when they have to. */
static void dispatch(struct gateway *gateway, const struct epoll_event *events, int count,
                     bool *link, bool *http)
{
    for (int i = 0; i < count; i++) {
        const uint64_t tag = events[i].data.u64;
        switch (tag_kind(tag)) {
        case TAG_STREAM:
            streams_ready(gateway->streams, tag, events[i].events, gateway->turn.now);
            break;
        case TAG_WAITING:
            wait_client_gone(tag_owner(tag));
            break;
        case TAG_LINK:
            *link = true;
            break;
        case TAG_HTTP:
            *http = true;
            break;
        case TAG_SIGNAL:
            on_signal(gateway);
            break;
        }
    }
}

static void ask(struct gateway *gateway)
{
    if (gateway->asker != NULL) {
        asker_process(gateway->asker, gateway->turn.now);
    }
}

int gateway_run(struct gateway *gateway)
{
    struct epoll_event events[EPOLL_EVENTS];
    bool link_more = true;
    bool send_more = false;
    for (;;) {
        const bool resumed = gateway->serving && gateway->api.resumed;
        const int timeout = link_more || send_more || resumed ? 0 : wait_ms(gateway);
        const int count = epoll_wait(gateway->epoll, events, EPOLL_EVENTS, timeout);
        gateway->turn.now = clock_mono();
        bool http = count == 0;
        dispatch(gateway, events, count, &link_more, &http);
        /* The link is processed when no descriptor says so, too, for time passes for it. */
        link_more = link_process(gateway->link, gateway->turn.now, LINK_BUDGET);
        ask(gateway);
        if (replica_events_whole(link_replica(gateway->link))) {
            feed_events(gateway->streams);
            waiting_events(gateway->waiting, gateway->events);
        }
        timers(gateway);
        if (serving_is_due(gateway) && serving_begin(gateway) != STATUS_OK) {
            return STATUS_IO;
        }
        serving_announce(gateway);
        if (http) {
            admin_run(gateway);
        }
        if (gateway->serving && (http || gateway->api.resumed)) {
            gateway->api.resumed = false;
            http_run(gateway->http);
            ask(gateway); /* what was sent may have hidden that a reply has come */
        }
        send_more = fanout_run(gateway->streams, SEND_BUDGET, gateway->turn.now);
        histogram_add(&gateway->latency.turns, clock_mono().us - gateway->turn.now.us);
        if (gateway->turn.draining && drain(gateway)) {
            break;
        }
    }
    log_info("stopped");
    return STATUS_OK;
}

/* ---- Beginning and end ---- */

static int share_descriptors(struct gateway *gateway, struct error *err)
{
    const size_t wanted = gateway->config->gateway.limits.streams;
    const size_t limit = descriptors_raise_limit();
    if (limit < DESCRIPTORS_MIN) {
        return error_set(err, STATUS_FULL,
                         "no more than %zu open files are allowed, and a gateway needs %d at "
                         "least: raise the limit (ulimit -Hn, LimitNOFILE=)",
                         limit, DESCRIPTORS_MIN);
    }
    gateway->descriptors = descriptors_share(limit, wanted);
    if (gateway->descriptors.streams < wanted) {
        log_info("the limit of open files leaves room for %zu streams, not %zu: raise it "
                 "(ulimit -Hn, LimitNOFILE=), or start more gateways on the port",
                 gateway->descriptors.streams, wanted);
    }
    return STATUS_OK;
}

/* For streams_create; arg: the struct api. */
static void on_closed(void *arg, const struct ip *address)
{
    struct api *api = arg;
    clients_stream_closed(api->clients, address);
}

/* For streams_set_accounts; arg: the struct api. */
static bool charge(void *arg, const struct ip *client, uint64_t steps)
{
    struct api *api = arg;
    api->counters.work_steps += steps;
    return clients_charge(api->clients, client, steps, api->turn->now);
}

static bool may_add_channel(void *arg, const struct ip *client, size_t unused)
{
    const struct api *api = arg;
    return clients_may_add_channel(api->clients, client, unused);
}

static void count_channel(void *arg, const struct ip *client, size_t units, bool more)
{
    struct api *api = arg;
    clients_channel(api->clients, client, units, more);
}

static void create_streams(struct gateway *gateway)
{
    const struct config_gateway *config = &gateway->config->gateway;
    const struct streams_config streams = {
        .max_streams = gateway->descriptors.streams,
        .max_channels = config->limits.channels,
        .ring_max = config->channel_log_bytes,
        .stalled_ms = config->stalled_ms,
        .max_age_ms = config->max_stream_age_ms,
        .sse = &sse_transport,
        .websocket = &ws_transport,
    };
    gateway->streams = streams_create(&streams, gateway->store, gateway->events, gateway->epoll,
                                      on_closed, &gateway->api);
    streams_set_input(gateway->streams, gateway_streams_input(gateway));
    streams_set_accounts(gateway->streams,
                         &(struct streams_accounts){charge, may_add_channel, count_channel});
    streams_set_can_resume(gateway->streams, api_tiles_can_resume);
    streams_measure(gateway->streams, &gateway->latency);
}

/* The headers that say who a client is; the cookie is what a proxy knows it by. NULL: nobody is
 * asked. */
static char *credential_headers(const struct config_gateway *config)
{
    switch (config->auth) {
    case CONFIG_AUTH_JWT:
        return x_strdup("Authorization, Cookie");
    case CONFIG_AUTH_PROXY:
        return x_asprintf("Cookie, %s, %s", config->proxy.user_header, config->proxy.groups_header);
    case CONFIG_AUTH_NONE:
        break;
    }
    return NULL;
}

static void fill_api(struct gateway *gateway)
{
    gateway->vary = credential_headers(&gateway->config->gateway);
    gateway->api = (struct api){
        .config = gateway->config,
        .link = gateway->link,
        .replica = link_replica(gateway->link),
        .store = gateway->store,
        .events = gateway->events,
        .streams = gateway->streams,
        .clients = gateway->clients,
        .auth = gateway->auth,
        .vary = gateway->vary,
        .asker = gateway->asker,
        .waiting = gateway->waiting,
        .tile_lists = gateway->lists,
        .latency = &gateway->latency,
        .turn = &gateway->turn,
        .epoll = gateway->epoll,
    };
}

static void create_audit(struct gateway *gateway)
{
    const struct config_gateway *config = &gateway->config->gateway;
    audit_init(&gateway->api.audit, config->audit, config->auth, gateway->turn.now);
}

static int create_http(struct gateway *gateway, struct error *err)
{
    const struct config_gateway *config = &gateway->config->gateway;
    const struct http_api api = {
        .answer = api_routes_answer, .body_max = api_push_body_max, .arg = &gateway->api};
    const struct http_config http = {
        .listen = gateway->listen,
        .socket_mode = config->socket_mode,
        .connections = gateway_connections(gateway),
        .limits = &config->limits,
        .stalled_ms = config->stalled_ms,
        .cors_origins = config->cors_origins,
        .cors_origin_count = config->cors_origin_count,
        .cors_any = config->cors_any,
        .hosts = gateway_hosts(gateway, &gateway->listen),
        .proxies = {config->trusted_proxies, config->trusted_proxy_count, true},
        .sign_in_url = config->sign_in_url,
        .base_path = config->base_path,
        .turn = &gateway->turn,
    };
    return http_create(&http, &api, &gateway->http, err);
}

static int create_parts(struct gateway *gateway, struct error *err)
{
    const struct config_gateway *config = &gateway->config->gateway;
    const struct store_listener listener = changes_listener(gateway);
    int status = share_descriptors(gateway, err);
    if (status != STATUS_OK) {
        return status;
    }
    gateway->epoll = epoll_create1(EPOLL_CLOEXEC);
    gateway->store = store_create(config->limits.tiles, &listener);
    gateway->lists = tile_lists_create(gateway->store);
    gateway->events =
        eventlog_create(config->events, config->events_memory_bytes, render_event_free);
    gateway->clients = clients_create(&config->limits);
    gateway->waiting = waiting_create(gateway_max_waiting(gateway), wait_wake, &gateway->api);
    create_streams(gateway);
    if (config->auth != CONFIG_AUTH_NONE) {
        status = auth_create(config, &gateway->auth, err);
    }
    if (status == STATUS_OK) {
        status = detach_self_test(err);
    }
    if (status == STATUS_OK) {
        status = link_create(gateway->config, &config->upstreams, config->events, gateway->store,
                             gateway->events, NULL, NULL, &gateway->link, err);
    }
    if (status == STATUS_OK && config->push.count != 0) {
        status = asker_create(gateway->config, &config->push, &gateway->asker, err);
    }
    if (status == STATUS_OK) {
        fill_api(gateway);
        create_audit(gateway);
        status = create_http(gateway, err);
    }
    if (status == STATUS_OK) {
        gateway->api.http = gateway->http;
        status = admin_create(gateway, err);
        gateway->api.admin = gateway->admin != NULL;
    }
    return status;
}

int gateway_create(struct program *program, struct gateway **out, struct error *err)
{
    struct gateway *gateway = x_calloc(1, sizeof *gateway);
    *out = gateway;
    gateway->program = program;
    gateway->config = program->config;
    gateway->turn.now = clock_mono();
    gateway->serve_at = mono_add_ms(gateway->turn.now, SYNC_WAIT_MS);
    int status = serving_find_address(gateway, err);
    if (status == STATUS_OK) {
        status = create_parts(gateway, err);
    }
    if (status == STATUS_OK && !watch_all(gateway)) {
        status = error_set(err, STATUS_IO, "cannot watch descriptors: %s", strerror(errno));
    }
    if (status != STATUS_OK) {
        gateway_destroy(out);
    }
    return status;
}

void gateway_destroy(struct gateway **gateway_p)
{
    struct gateway *gateway = *gateway_p;
    if (gateway == NULL) {
        return;
    }
    if (gateway->waiting != NULL) {
        (void)waiting_drain(gateway->waiting, SIZE_MAX);
    }
    if (gateway->asker != NULL) {
        asker_end_all(gateway->asker);
    }
    http_destroy(&gateway->admin);
    http_destroy(&gateway->http);
    asker_destroy(&gateway->asker);
    waiting_destroy(&gateway->waiting);
    streams_destroy(&gateway->streams);
    link_destroy(&gateway->link);
    clients_destroy(&gateway->clients);
    auth_destroy(&gateway->auth);
    tile_lists_destroy(&gateway->lists);
    store_destroy(&gateway->store);
    eventlog_destroy(&gateway->events);
    if (gateway->epoll > 0) {
        close(gateway->epoll);
    }
    free(gateway->listen_text);
    free(gateway->vary);
    free(gateway);
    *gateway_p = NULL;
}
