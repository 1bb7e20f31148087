/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HTTP side is given. Its state is in http_state.h.
 * Libmicrohttpd parses requests and sends answers; what an answer says is the API's business.
 *
 *   server.h       the daemon: begins and ends, and hands each request to the API
 *   request.h      a request under way, and what its headers and parameters say
 *   reply.h        answers and problems
 *   listen.h       the listening socket; local.h: one that is a file
 *   connections.h  how long a connection may take     clients.h    limits by client address
 *   waiting.h      requests that wait for news        detach.h     taking a socket away
 *   forwarded.h    clients behind proxies             encoding.h   gzip
 *   hosts.h        names that the gateway is asked under
 *   framing.h      where a request begins and ends; judge.h: of what libmicrohttpd hands over;
 *                  lengths.h: of what it refuses by itself
 *
 * One thread.
 */
#ifndef GATEWAY_HTTP_HTTP_H
#define GATEWAY_HTTP_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "gateway/base/turn.h"
#include "gateway/http/connections.h"
#include "gateway/http/forwarded.h"
#include "gateway/http/hosts.h"

struct request;

/* The API, which answers requests; gateway.c hands it in. */
struct http_api {
    /* Queues the answer to a request and returns what libmicrohttpd is to be told. MHD_YES without
     * an answer is allowed after request_suspend only: the function is called again, with the same
     * arguments, when the request is resumed. MHD_NO closes the connection. */
    enum MHD_Result (*answer)(void *arg, struct request *request, const char *method);
    /* How many bytes of the body of such a request are kept for its answer; 0: it has none that
     * counts. NULL: no body does. */
    size_t (*body_max)(void *arg, const struct request *request, const char *method);
    void *arg; /* What both are called with; borrowed. */
};

/* What all bodies that are kept take together, at most; who comes beyond that is told 503. */
#define HTTP_BODIES_MAX ((size_t)64 << 20)

/* What pointers point to is borrowed. */
struct http_config {
    struct config_listen_address listen; /* Where it listens. */
    bool alone;                          /* True when no other process may listen there, too. */
    unsigned socket_mode;                /* of a socket that is a file */
    struct connections_config
        connections; /* How many connections there may be, and for how long. */
    const struct config_gateway_limits
        *limits;        /* Read for each request, so that a SIGHUP is enough. */
    int64_t stalled_ms; /* How long an answer of which nothing is taken is kept; > 0. */
    const char *const *cors_origins;  /* The origins whose pages may read the answers. */
    size_t cors_origin_count;         /* 0 when no page of another origin may. */
    bool cors_any;                    /* True when any origin's pages may. */
    struct hosts hosts;               /* The names under which it may be asked. */
    struct forwarded_proxies proxies; /* The proxies whose word on a client's address counts. */
    const char
        *sign_in_url;      /* Where people sign in, which a 401 or 403 tells them; NULL: unknown. */
    const char *base_path; /* What paths may begin with; no slash at its end. NULL: nothing. */
    const struct turn *turn; /* The turn of the loop that is under way; borrowed. */
};

struct http_counters {
    uint64_t requests;         /* Requests that came. */
    uint64_t not_modified;     /* Answers 304. */
    uint64_t client_errors;    /* Answers 4xx. */
    uint64_t too_large;        /* Answers 413, and bodies that were cut off. */
    uint64_t no_memory;        /* Answers 503, because of limits.answers. */
    uint64_t malformed;        /* Requests that are none of HTTP; see framing.h. */
    uint64_t header_too_large; /* Answers 431; headers beyond the parser's memory are not seen. */
};

struct http;

#endif
