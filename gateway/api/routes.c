/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/routes.h"

#include <string.h>

#include "gateway/api/api.h"
#include "gateway/api/assets.h"
#include "gateway/api/cost.h"
#include "gateway/api/definitions.h"
#include "gateway/api/events.h"
#include "gateway/api/metrics.h"
#include "gateway/api/push.h"
#include "gateway/api/status.h"
#include "gateway/api/tile_metrics.h"
#include "gateway/api/tiles.h"
#include "gateway/api/views.h"
#include "gateway/api/visible.h"
#include "gateway/api/who.h"
#include "gateway/api/ws.h"
#include "gateway/http/reply.h"

#define API_PREFIX "/api/"

/* What kind of thing is asked for. */
enum kind {
    KIND_DATA,    /* It counts as a request, and whoever asks for it says who it is. */
    KIND_FIGURES, /* It counts as a request. */
    KIND_FILE,    /* Of the dashboard: it holds no data, and shows people where to sign in. */
    KIND_HEALTH,  /* It is told to anybody, at any time and under any name; it costs next to
                     nothing. */
};

struct route {
    const char *path;
    enum MHD_Result (*answer)(struct request *request);
    enum kind kind;
    enum latency_fetch fetch; /* The histogram that gets the time to its answers. */
};

static const struct route routes[] = {
    {"/api/tiles", api_tiles_list, KIND_DATA, LATENCY_FETCH_TILES},
    {"/api/tiles/stream", api_tiles_stream, KIND_DATA, LATENCY_FETCH_OTHER},
    {"/api/events", api_events_list, KIND_DATA, LATENCY_FETCH_EVENTS},
    {"/api/events/stream", api_events_stream, KIND_DATA, LATENCY_FETCH_OTHER},
    {"/api/ws", api_ws_open, KIND_DATA, LATENCY_FETCH_OTHER},
    {"/api/views", api_views_get, KIND_DATA, LATENCY_FETCH_OTHER},
    {"/healthz", api_healthz, KIND_HEALTH, LATENCY_FETCH_OTHER},
    {"/readyz", api_readyz, KIND_HEALTH, LATENCY_FETCH_OTHER},
    {"/metrics/tiles", api_tile_metrics, KIND_DATA, LATENCY_FETCH_OTHER},
    {"/metrics", api_public_metrics, KIND_FIGURES, LATENCY_FETCH_OTHER},
};

static const char tile_prefix[] = API_PREFIX "tiles/";
static const char definition_prefix[] = API_PREFIX "definitions/";

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* Returns what stands behind the prefix; NULL when the path does not begin with it. */
static const char *behind(const char *path, const char *prefix)
{
    const size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

static enum kind kind_of(const struct request *request, const struct route *route)
{
    const bool api = behind(request->path, API_PREFIX) != NULL;
    return route != NULL ? route->kind : api ? KIND_DATA : KIND_FILE;
}

static bool counts_as_request(enum kind kind)
{
    return kind == KIND_DATA || kind == KIND_FIGURES;
}

/* False when the client makes more requests than it may: *result is what to return. */
static bool admit(struct api *api, struct request *request, enum kind kind, enum MHD_Result *result)
{
    unsigned retry_s = 1;
    if (counts_as_request(kind) &&
        !clients_request(api->clients, &request->client, api->turn->now, &retry_s)) {
        api->counters.refused_rate++;
        *result = reply_problem(request, MHD_HTTP_TOO_MANY_REQUESTS,
                                "Too many requests from this address; slow down, or open a stream "
                                "instead of polling.",
                                retry_s);
        return false;
    }
    return kind == KIND_HEALTH || cost_admit(request, result);
}

/* False when it is asked under a name that is not the gateway's, by a page that had its name point
 * here (hosts.h). Load balancers ask for the health under whatever they call us. */
static bool admit_host(struct api *api, struct request *request, enum kind kind,
                       enum MHD_Result *result)
{
    if (request->host_foreign && kind != KIND_HEALTH) {
        api->counters.refused_host++;
        *result = reply_problem(request, MHD_HTTP_MISDIRECTED_REQUEST,
                                "This host is no name of the gateway; gateway.hosts lists those "
                                "under which it may be asked.",
                                0);
        return false;
    }
    return true;
}

/* True when events can be pushed there. */
static bool takes_events(const struct request *request)
{
    return api_of(request)->asker != NULL && strcmp(request->path, API_PUSH_PATH) == 0;
}

/* A preflight asks what a page of another origin may do. */
static enum MHD_Result answer_options(struct request *request)
{
    /* Pages of other origins may read, and not push. */
    const char *const headers[] = {"Access-Control-Allow-Methods",
                                   "GET, HEAD, OPTIONS",
                                   "Access-Control-Allow-Headers",
                                   "Authorization, Last-Event-ID, If-None-Match, Cache-Control",
                                   "Access-Control-Max-Age",
                                   "600",
                                   "Allow",
                                   takes_events(request) ? API_PUSH_ALLOW : "GET, HEAD, OPTIONS",
                                   NULL};
    return reply_body(request, MHD_HTTP_NO_CONTENT, NULL, STR(""), headers);
}

static void measure_as(struct api *api, struct request *request, enum latency_fetch fetch)
{
    request->durations = fetch != LATENCY_FETCH_OTHER ? &api->latency->fetches[fetch] : NULL;
}

static enum MHD_Result answer_get(struct api *api, struct request *request,
                                  const struct route *route)
{
    const char *key;
    if (route != NULL) {
        measure_as(api, request, route->fetch);
        return route->answer(request);
    }
    if ((key = behind(request->path, tile_prefix)) != NULL) {
        const char *raw_key = behind(request->raw_path, tile_prefix);
        measure_as(api, request, LATENCY_FETCH_TILE);
        return api_tiles_get(request, key, raw_key != NULL ? raw_key : "");
    }
    if ((key = behind(request->path, definition_prefix)) != NULL) {
        return api_definitions_get(request, key);
    }
    return api_assets_get(request);
}

static enum MHD_Result answer(struct api *api, struct request *request, const struct route *route,
                              const char *method)
{
    const enum kind kind = kind_of(request, route);
    const bool data = kind == KIND_DATA;
    enum MHD_Result result;
    if (data) {
        request->vary = api->vary;
        who_find(request);
    }
    if (!request->resumed &&
        (!admit(api, request, kind, &result) || !admit_host(api, request, kind, &result))) {
        return result;
    }
    if (request->header_too_large || request->too_large) {
        return reply_too_large(request);
    }
    if (strcmp(method, "OPTIONS") == 0) {
        return answer_options(request);
    }
    const bool push = strcmp(method, "POST") == 0 && takes_events(request);
    if (!push && !request->head && strcmp(method, "GET") != 0) {
        request->allow = takes_events(request) ? API_PUSH_ALLOW : NULL;
        return reply_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                             "Everything here is read with GET.", 0);
    }
    if ((data && !who_check(request, &result)) || !visible_begin(request, &result)) {
        return result;
    }
    if (request->nul) {
        /* A decoded NUL would end the path or a parameter early, and mean another one. */
        return reply_problem(request, MHD_HTTP_BAD_REQUEST,
                             "Neither a path nor a parameter holds a NUL (%00).", 0);
    }
    return push ? api_push(request) : answer_get(api, request, route);
}

/* It is called again with the same arguments when a request that waited is resumed. */
enum MHD_Result api_routes_answer(void *arg, struct request *request, const char *method)
{
    struct api *api = arg;
    const struct route *route = find_route(request->path);
    const enum MHD_Result result = answer(api, request, route, method);
    const enum kind kind = kind_of(request, route);
    const bool stream = result == MHD_NO && request->status == 0;
    if (kind == KIND_DATA && (stream || request->status != 0)) {
        audit_request(&api->audit, request, method, api->turn->now);
    }
    if (kind != KIND_HEALTH) {
        cost_settle(request, counts_as_request(kind));
    }
    return result;
}
