/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: a replica in memory, an HTTP front, and the stream engine, in one single-threaded
 * loop.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/net/link.h"
#include "common/program/program.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/descriptors.h"
#include "gateway/base/latency.h"
#include "gateway/http/clients.h"
#include "gateway/http/waiting.h"
#include "gateway/stream/streams.h"

struct http;
struct tile_lists;

struct gateway {
    struct program *program;
    const struct config *config;
    struct listen_address listen;
    struct store *store;
    struct eventlog *events;
    struct link *link;
    struct streams *streams;
    struct clients *clients;
    struct http *http;
    struct tile_lists *tile_lists;
    struct latency latency;
    struct waiting *waiting; /* requests that wait for news */
    bool resumed;            /* some do not any more: the HTTP front has something to do */
    int epoll;
    struct descriptors descriptors; /* how many of them are for what */
    bool serving;                   /* connections are accepted */
    bool draining;
    mono_time now;      /* of the turn of the loop under way */
    mono_time serve_at; /* also when not in sync by then */
    mono_time heartbeat_at;
    mono_time sweep_at;
    mono_time drain_until;
    mono_time drain_at;
    mono_time finish_at; /* whatever is not done by then */
    wall_time started_at;
};

/* Binds and connects. program is borrowed. */
int gateway_create(struct program *program, struct gateway **out, struct error *err);
void gateway_destroy(struct gateway **gateway);

/* Runs until SIGTERM or SIGINT, and drains. */
int gateway_run(struct gateway *gateway);

/* As of the newest beat; {0} before the first. */
wall_time gateway_as_of(const struct gateway *gateway);

#endif
