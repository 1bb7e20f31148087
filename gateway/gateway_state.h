/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's state, for the files of this folder only. */
#ifndef GATEWAY_GATEWAY_STATE_H
#define GATEWAY_GATEWAY_STATE_H

#include "common/net/link.h"
#include "common/program/program.h"
#include "gateway/api/api.h"
#include "gateway/base/descriptors.h"
#include "gateway/base/latency.h"
#include "gateway/base/turn.h"
#include "gateway/http/server.h"

struct gateway {
    struct program *program;             /* Borrowed. */
    const struct config *config;         /* The program's; its limits change with SIGHUP. */
    struct config_listen_address listen; /* The address of the configuration, --listen or --port. */
    char *listen_text;                   /* Owned: what `listen` borrows, with --port; or NULL. */
    struct descriptors descriptors;      /* How many may be used for what. */
    int epoll;                           /* Watches everything; see tag.h. */

    struct link *link; /* The link to the upstreams; what comes changes the store and the events. */
    struct store *store;      /* The tiles; each bears its rendering. */
    struct eventlog *events;  /* The newest raw events. */
    struct http *admin;       /* The listener for operators; NULL: there is none. */
    struct http *http;        /* Requests and their answers. */
    struct api api;           /* What answers them; borrows the parts named here. */
    struct clients *clients;  /* Limits by client. */
    struct auth *auth;        /* Who clients are; NULL when nobody is asked. */
    char *vary;               /* The headers that say so; NULL when nobody is asked. */
    struct waiting *waiting;  /* Requests that wait for news. */
    struct asker *asker;      /* Asks ingestors to store pushed events; NULL: there are none. */
    struct streams *streams;  /* Streams, which were requests once. */
    struct tile_lists *lists; /* Answers that hold for many requests. */
    struct latency latency;   /* How old news is when browsers get it. */

    struct turn turn;       /* The loop's turn, which the parts see. */
    bool serving;           /* True once connections are accepted. */
    bool announced;         /* The log has the line that says it is ready: it serves, in sync. */
    mono_time serve_at;     /* When connections are accepted even if the replica is not in sync. */
    mono_time heartbeat_at; /* When streams get their next heartbeat. */
    bool late;              /* True when the data was late at the last heartbeat. */
    mono_time resume_at;    /* When catch-ups that pause are looked at. */
    mono_time sweep_at;     /* When the parts look for what has become too old. */
    mono_time drain_at;     /* Draining: when the next share of the streams is ended. */
    mono_time drain_until;  /* Draining: when the last share of the streams is ended. */
    mono_time finish_at;    /* Draining: when the gateway ends, whatever is not done by then. */
};

#endif
