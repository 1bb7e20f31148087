/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP front: libmicrohttpd parses and serves what is not a stream; streams are detached
 * (detach.h) and handed to the stream engine.
 *
 *   http.c       daemon, admission, routing       api_tiles.c, api_events.c   the API
 *   reply.c      answers and problems             api_status.c     healthz, readyz, metrics
 *   http_wait.c  requests that wait               assets_reply.c   the dashboard's files
 *   api_ws.c     a WebSocket's handshake
 */
#ifndef GATEWAY_HTTP_SERVER_H
#define GATEWAY_HTTP_SERVER_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/gateway.h"
#include "gateway/http/connections.h"
#include "gateway/http/waiting.h"

#define ANSWERING_MS 300000 /* in which an answer has to be taken, however slowly */

struct http_counters {
    uint64_t requests;
    uint64_t not_modified;
    uint64_t client_errors;   /* 4xx */
    uint64_t refused_rate;    /* 429 */
    uint64_t refused_streams; /* 429 and 503 for streams: */
    uint64_t streams_too_fast;
    uint64_t streams_too_many;  /* of one address */
    uint64_t streams_no_room;   /* in all, or of channels, or of descriptors */
    uint64_t ws_refused;        /* handshakes that were wrong; those included: */
    uint64_t ws_origin_refused; /* 403 */
    uint64_t too_large;         /* 413 */
    uint64_t header_too_large;  /* 431; those beyond the parser's memory are not seen here */
};

#define DATE_TEXT_SIZE 32

struct http {
    struct gateway *gateway;
    int listening; /* bound; the daemon's from http_start on, and -1 here */
    struct MHD_Daemon *daemon;
    struct http_counters counters;
    struct connections *connections;
    char date[DATE_TEXT_SIZE]; /* of this second, for headers; see reply_dated */
    mono_time date_until;
};

/* A request under way, from its first line to its end. */
struct request {
    struct http *http;
    struct MHD_Connection *connection;
    const char *path; /* decoded */
    char *raw;        /* as it came, without the query */
    bool head;
    bool nul;   /* there is a %00 in it or in the query */
    bool begun; /* the handler was called before */
    bool http_1_0;
    bool too_large; /* its body is, */
    bool header_too_large;
    size_t header_bytes; /* with the request line */
    size_t body_bytes;
    const char *origin; /* the Origin to be named in the answer, or NULL */
    bool admitted;      /* its handler was called; it is again when it has waited */
    struct ip address;  /* of the client, once admitted */
    int64_t wait_ms;    /* what `wait` says */
    mono_time wait_end;
    mono_time resume_end;     /* it waits for the event to resume after until then; 0: it did not */
    enum latency_fetch fetch; /* as what it is measured, */
    mono_time asked_at;       /* from here on */
    unsigned status;          /* of its answer; 0: none yet */
    bool waited_enough;       /* it is answered now, whatever there is */
    struct waiter waiter;
};

/* Binds the address; connections are refused, or go to other gateways on the port, until
 * http_start. */
int http_create(struct gateway *gateway, struct http **out, struct error *err);
int http_start(struct http *http, struct error *err);
void http_destroy(struct http **http);
/* The following ones after http_start only, but for http_stop_listening. */
int http_epoll_fd(const struct http *http);
void http_run(struct http *http);
/* What http_run may be waited for at most. */
int http_wait_ms(const struct http *http, int max_ms);
/* Ends connections that take too long; call it about every second. */
void http_sweep(struct http *http);
/* New connections go to other gateways on the port; those that were made already are served. */
void http_stop_listening(struct http *http);

/* ---- reply.c ---- */

/* Queues the answer, with the headers that all answers have. The response stays the caller's. */
enum MHD_Result reply(struct request *request, unsigned status, struct MHD_Response *response);

/* The same for a response that is used again and again: keeps its Date, which libmicrohttpd would
 * make anew for each answer. */
enum MHD_Result reply_dated(struct request *request, unsigned status,
                            struct MHD_Response *response);

/* An answer with a body of its own; type is its media type. headers: pairs of name and value, ended
 * by NULL. */
enum MHD_Result reply_body(struct request *request, unsigned status, const char *type,
                           struct str body, const char *const *headers);

/* The same with a body that is shared, not copied. */
enum MHD_Result reply_blob(struct request *request, unsigned status, const char *type,
                           struct blob *body, const char *const *headers);

/* RFC 9457. detail is a sentence that says what to do. retry_s: 0, or for Retry-After. */
enum MHD_Result reply_problem(struct request *request, unsigned status, const char *detail,
                              unsigned retry_s);

/* Seconds for Retry-After where nobody knows when there will be room: random, so that those who
 * were refused together do not come back together. */
unsigned retry_later(void);

/* The same with more headers: pairs of name and value, ended by NULL; at most PROBLEM_HEADERS. */
#define PROBLEM_HEADERS 3
enum MHD_Result reply_problem_with(struct request *request, unsigned status, const char *detail,
                                   unsigned retry_s, const char *const *more);

/* Does If-None-Match hold the tag? */
bool etag_matches(struct request *request, const char *etag);

/* Does Accept-Encoding ask for gzip? */
bool accepts_gzip(const struct request *request);

/* A parameter of the query, or NULL; and a header. */
const char *parameter(const struct request *request, const char *name);
const char *header(const struct request *request, const char *name);

/* The address of the client, as trusted proxies tell it. */
struct ip client_address(const struct request *request);

/* Came more than the request? What follows it would be lost to whoever detaches the connection. */
bool request_has_followers(const struct request *request);

/* The request's connection is at something else now. */
void request_phase(struct request *request, enum connection_phase phase);

/* ---- http_wait.c: long-polling ---- */

#define WAIT_MAX_MS 60000

/* Reads the parameter `wait`. False when it is wrong: *result is then what the handler returns. */
bool wait_parse(struct request *request, enum MHD_Result *result);

/* For a list of headers: the name of the one that says that `wait` was understood, and its value;
 * NULL when it was not asked for. */
#define WAIT_TEXT_SIZE 32
const char *wait_header(const struct request *request, char value[WAIT_TEXT_SIZE]);

/*
 * There is nothing new for the request. True: the handler returns *result; the request is called
 * again when something selected changes, and with waited_enough when it shall be answered in any
 * case; or there is no room for it to wait, and it was answered. Takes the selection over then.
 * False: it does not want to wait (any more).
 */
bool wait_for_change(struct request *request, enum waiting_for what, struct selection *selection,
                     enum MHD_Result *result);

/*
 * The request wants to go on after an event that is not here. Perhaps it came from a gateway that
 * is ahead of this one. True: the handler returns *result; the request is called again when the
 * event has come, or after RESUME_WAIT_MS. False: it is not to wait (any more), or there is no
 * room.
 */
#define RESUME_WAIT_MS 2000 /* shorter than clients wait for an answer */
bool wait_to_resume(struct request *request, int64_t event_id, enum MHD_Result *result);

/* For waiting_create; arg: the gateway. */
void wait_wake(void *arg, struct waiter *waiter, enum wake_reason reason);

/* epoll says that the client of a request that waits is gone. */
void wait_client_gone(struct request *request);

/* ---- The API: each answers one path ---- */

enum MHD_Result api_tiles_list(struct request *request);
enum MHD_Result api_tiles_get(struct request *request, const char *key, const char *raw_key);
enum MHD_Result api_definitions_get(struct request *request, const char *key);
enum MHD_Result api_tiles_stream(struct request *request);
enum MHD_Result api_events_list(struct request *request);
enum MHD_Result api_events_stream(struct request *request);
enum MHD_Result api_healthz(struct request *request);
enum MHD_Result api_readyz(struct request *request);
enum MHD_Result api_metrics(struct request *request);
enum MHD_Result api_ws(struct request *request);
enum MHD_Result asset_get(struct request *request);

/* The answer to a handshake that api_ws found right. */
void put_ws_head(const struct request *request, struct buf *out);

/* For streams_create: can a client of tiles go on from its cursor? All lanes must be in the epoch
 * that they are in here, and no removal forgotten. arg: the gateway. */
bool can_resume(void *arg, const struct cursor *cursor);

/* Detaches the connection and hands it to the stream engine; takes the request's selection over. */
enum MHD_Result open_stream(struct request *request, struct stream_request *stream);

#endif
