/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of the API need of the gateway, which fills this in and owns what the pointers
 * point to. One thread.
 *
 *   routes.h       which handler a path has; admission
 *   who.h          who asks                             audit.h    who was given what
 *   cost.h         what a request costs its client
 *   visible.h      what a request's client may see of what it asks for
 *   tiles.h, events.h, definitions.h, ws.h, status.h, metrics.h, assets.h    one resource each
 *   push.h         events that are pushed               origin.h   pages of other origins
 *   open_stream.h  from a request to a stream         wait.h    long-polling
 *   tile_lists.h   lists of tiles, kept
 */
#ifndef GATEWAY_API_API_H
#define GATEWAY_API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/net/asker.h"
#include "common/replica/replica.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/api/audit.h"
#include "gateway/api/tile_lists.h"
#include "gateway/auth/auth.h"
#include "gateway/base/latency.h"
#include "gateway/base/turn.h"
#include "gateway/http/clients.h"
#include "gateway/http/request.h"
#include "gateway/http/waiting.h"
#include "gateway/stream/streams.h"

struct api_counters {
    uint64_t refused_rate;        /* Requests beyond the rate of their address: 429. */
    uint64_t refused_work;        /* Requests of clients in debt: 429. */
    uint64_t refused_patterns;    /* Requests whose patterns are too much work: 400. */
    uint64_t series_left_out;     /* Series of tiles for which an answer had no room. */
    uint64_t work_steps;          /* The work that clients were charged for. */
    uint64_t refused_host;        /* Requests under a name that is not the gateway's: 421. */
    uint64_t refused_streams;     /* Streams refused with 429 or 503. */
    uint64_t streams_too_fast;    /* Streams refused because their address opens them too fast. */
    uint64_t streams_too_many;    /* Streams refused because their address has enough. */
    uint64_t streams_share;       /* Streams refused because their address has its channels. */
    uint64_t streams_no_room;     /* Streams for which channels, descriptors or room are missing. */
    uint64_t ws_refused;          /* Handshakes that were wrong, ws_origin_refused included. */
    uint64_t ws_origin_refused;   /* Handshakes from pages of other origins: 403. */
    uint64_t pushed_events;       /* Events that were stored. */
    uint64_t pushes_refused;      /* Pushes that were malformed, or not allowed. */
    uint64_t push_origin_refused; /* Of these, from pages of other origins: 403. */
    uint64_t pushes_away;         /* Pushes while no ingestor could be reached: 503. */
    uint64_t pushes_unknown;      /* Pushes to which no answer came: 503. */
};

struct api {
    const struct config *config;   /* borrowed */
    const struct http *http;       /* the public listener */
    bool admin;                    /* True when there is a listener for operators, too. */
    const struct link *link;       /* the connections to upstreams; borrowed */
    const struct replica *replica; /* the link's */
    struct store *store;           /* the tiles; borrowed */
    struct eventlog *events;       /* the events; borrowed */
    struct streams *streams;       /* the streams of all clients; borrowed */
    struct clients *clients;       /* what each client takes of the limits; borrowed */
    struct auth *auth;             /* Who clients are; NULL when nobody is asked. */
    const char *vary;              /* The headers that say so; NULL when nobody is asked. */
    struct asker *asker; /* The ingestors that store pushed events; NULL: nothing can be pushed. */
    struct waiting *waiting;       /* requests that wait for a change; owned */
    struct tile_lists *tile_lists; /* lists of tiles that were made lately; owned */
    struct latency *latency;       /* what is measured; borrowed */
    const struct turn *turn;       /* the turn of the loop that is under way; borrowed */
    int epoll;                    /* The gateway's; it watches the clients of requests that wait. */
    struct audit audit;           /* what of requests is logged */
    struct api_counters counters; /* what metrics show */
    bool resumed; /* Set when a request was resumed; the gateway calls http_run and clears it. */
};

/* The API that answers the request: the arg of its struct http_api. */
struct api *api_of(const struct request *request);

/* The time for which the tiles are true, by the newest heartbeat from upstream; {0} before the
 * first. */
wall_time api_as_of(const struct api *api);

#endif
