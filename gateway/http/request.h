/* SPDX-License-Identifier: Apache-2.0 */
/* A request under way, and what its headers and parameters say. */
#ifndef GATEWAY_HTTP_REQUEST_H
#define GATEWAY_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/histogram.h"
#include "common/base/ip.h"
#include "common/base/time/clock.h"
#include "gateway/base/identity.h"
#include "gateway/base/view.h"
#include "gateway/http/connections.h"
#include "gateway/http/framing.h"
#include "gateway/http/waiting.h"

struct http;

/* Made with the request line, destroyed when the answer was sent or its connection is lost. */
struct request {
    struct http *http;                 /* The server that it came to. */
    struct MHD_Connection *connection; /* libmicrohttpd's. */
    const char *path;                  /* Decoded, without scheme, host and gateway.base_path;
                                          libmicrohttpd's. */
    char *raw;                         /* The target as it came, without the query; owned. */
    const char *raw_path;              /* In it, behind scheme, host and gateway.base_path. */
    struct framing_target target;      /* As it came. */
    struct str host;                   /* Of the target, else of Host; NULL for none. */
    struct request *prev;              /* Links those of which they were not; see lengths.h. */
    struct request *next;              /* Links those of which they were not; see lengths.h. */
    bool host_foreign;                 /* True when it is none of the gateway's names. */
    bool begun;                        /* True once its headers were read. */
    bool last;                         /* True when the connection is closed after it. */
    bool head;                         /* True for HEAD. */
    bool nul;                          /* True when there is a %00 in its path or query. */
    bool http_1_0;                     /* True when the client speaks HTTP/1.0. */
    bool too_large;                    /* True when its body is. */
    bool body_no_room;     /* True when its body was not kept for want of HTTP_BODIES_MAX. */
    bool header_too_large; /* True when its headers are. */
    bool resumed;          /* True once it has waited: the API is called for it again. */
    size_t header_bytes;   /* With the request line. */
    size_t body_bytes;     /* The bytes of its body that came so far. */
    size_t body_max;       /* Bytes of its body that are kept; 0: none are. */
    struct buf body;       /* What was kept. */
    size_t answer_bytes;   /* Of its answer; 0 before it is answered. */
    const char *origin;    /* The Origin that the answer has to name; NULL for none. */
    const char *vary;      /* The headers that tell clients apart; NULL: all get the same answer. */
    struct ip address;     /* The client's, from the first call of the API on. */
    mono_time asked_at;    /* When it was read, or when it was resumed. */
    unsigned status;       /* Its answer's; 0 before it is answered. */
    char *problem;         /* What was wrong with it; owned. NULL: nothing was. */

    /* What follows is the API's, kept here from one call to the next. */
    struct identity
        *identity;           /* Who its client is; owned. NULL before that is known, or for good. */
    struct ip client;        /* Whom limits charge: the address, or what stands for a subject. */
    const struct view *view; /* What its client may see; owned. NULL before it is admitted. */
    uint64_t steps;          /* The work that it was so far, see gateway/api/cost.h. */
    struct histogram *durations; /* Takes how long the answer took; NULL: nothing is measured. */
    int64_t wait_ms;             /* What the parameter `wait` says; 0 without one. */
    mono_time wait_end;          /* When that is over. */
    mono_time resume_end;        /* When its wait to resume is over; 0 before it waited for that. */
    bool waited_enough;          /* True when it has to be answered now, whatever there is. */
    bool ambient; /* True when its browser sends credentials by itself, as cookies. */
    struct waiting_item waiting; /* Its place among the requests that wait. */
    const char *allow; /* The methods that it might have; NULL: those that read. A constant. */
    void *kept;        /* Of a handler that is called again; freed with free_kept; or NULL. */
    void (*free_kept)(void *kept); /* Frees `kept`; NULL without one. */
};

/* uri: the request line's, with the query. Its connection is reading from now on. */
struct request *request_create(struct http *http, struct MHD_Connection *connection,
                               const char *uri);

/* Its path is that of this target, which is decoded and libmicrohttpd's. */
void request_set_path(struct request *request, const char *target);

/* Its headers are all there. Returns what is wrong with its framing, or NULL. */
const struct framing_fault *request_begin(struct request *request, const char *target,
                                          const char *method, const char *version);

/* Its connection is idle from now on. */
void request_destroy(struct request **request);

/* Answers it, whose headers are still coming, without libmicrohttpd, and ends its connection. */
void request_cut(struct request *request, const struct framing_fault *fault);

/* From now on its client may see that, of which the request becomes an owner. */
void request_set_view(struct request *request, const struct view *view);

/* A parameter of the query, decoded, or NULL; "" for one without a value. The connection's. */
const char *request_parameter(const struct request *request, const char *name);

/* The value of the first header of that name, or NULL. The connection's. */
const char *request_header(const struct request *request, const char *name);

/* Calls `each` for the value of each header of that name, in their order. */
void request_each_header(const struct request *request, const char *name,
                         void (*each)(void *arg, const char *value), void *arg);

/* From now on its client is that one, of which the request becomes an owner; NULL: it is unknown.
 */
void request_set_identity(struct request *request, struct identity *identity);

/* True when whoever connects is one of the trusted proxies. */
bool request_of_proxy(const struct request *request);

/* True when If-None-Match holds the tag. etag: with quotes, and W/ if it is weak. */
bool request_etag_matches(const struct request *request, const char *etag);

/* True when Accept-Encoding asks for gzip. */
bool request_accepts_gzip(const struct request *request);

/* The address of the client, as trusted proxies tell it. */
struct ip request_client_address(const struct request *request);

/* True when more came than the request. What follows it is lost to whoever detaches the
 * connection. */
bool request_has_followers(const struct request *request);

/* The connection's socket, which stays libmicrohttpd's. */
int request_socket(const struct request *request);

/* Tells connections.h what the request's connection is at from now on. */
void request_enter_phase(struct request *request, enum connection_phase phase);

/* Takes the request out of libmicrohttpd's loop and timeouts. Only while the API answers it. */
void request_suspend(struct request *request);

/* The API is called for it again in the next http_run, and it is measured from now on. */
void request_resume(struct request *request);

/* The `arg` of the struct http_api that answers the request. */
void *request_api(const struct request *request);

#endif
