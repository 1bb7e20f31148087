/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the HTTP side, for the files of this folder only. */
#ifndef GATEWAY_HTTP_HTTP_STATE_H
#define GATEWAY_HTTP_HTTP_STATE_H

#include "gateway/http/http.h"
#include "gateway/http/local.h"

#define HTTP_DATE_SIZE 32

struct http {
    struct http_config config;       /* What it was created with. */
    struct http_api api;             /* Who answers requests. */
    int listening;                   /* The bound socket; -1 once the daemon has it. */
    struct local_socket local;       /* What is to be removed, if the socket is a file. */
    struct MHD_Daemon *daemon;       /* libmicrohttpd's; owned. */
    struct http_counters counters;   /* What metrics show. */
    struct connections *connections; /* All connections that have not become streams; owned. */
    struct request *arriving;        /* The requests whose headers are still coming. */
    size_t bodies_bytes;             /* Of the bodies that are kept. */
    size_t answering_bytes;          /* Of the answers that are not sent yet. */
    char date[HTTP_DATE_SIZE];       /* The header Date of the second under way; see reply_dated. */
    mono_time date_until;            /* The moment when that second ends. */
};

#endif
