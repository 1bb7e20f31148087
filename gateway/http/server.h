/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libmicrohttpd's daemon: it parses and serves what is not a stream. It has an epoll of its own,
 * which is watched by the gateway's.
 *
 *   create ── http_start ──► serving ── http_stop_listening ──► only what is open ──► destroy
 */
#ifndef GATEWAY_HTTP_SERVER_H
#define GATEWAY_HTTP_SERVER_H

#include "common/base/error.h"
#include "gateway/http/http.h"

/* Binds the address; until http_start connections are refused, or go to other gateways on the port,
 * or wait, if the address is a file. Both structs are copied. STATUS_IO when the address cannot be
 * had. */
int http_create(const struct http_config *config, const struct http_api *api, struct http **out,
                struct error *err);

/* Accepts connections from now on. STATUS_IO when it cannot. */
int http_start(struct http *http, struct error *err);

/* No request may be suspended any more. */
void http_destroy(struct http **http);

/* After http_start only: what to watch, and what to call then. */
int http_epoll_fd(const struct http *http);
void http_run(struct http *http);

/* After http_start only: for how long http_run may be put off; at most max_ms. */
int http_wait_ms(const struct http *http, int max_ms);

/* Ends connections that take too long; call it about every second. */
void http_sweep(struct http *http);

/* Ends some connections if there is hardly room for more; call it each turn. */
void http_relieve(struct http *http);

/* Ends the connections on which nothing was asked for so long. */
void http_end_idle(struct http *http, int64_t idle_ms);

/* Other limits for connections, from now on; but `max` of those accepted stays as it was. */
void http_configure(struct http *http, const struct connections_config *connections);

/* New connections go to other gateways on the port; those that were made already are served. */
void http_stop_listening(struct http *http);

/* Open now, streams not counted. */
size_t http_connection_count(const struct http *http);

const struct http_counters *http_counters(const struct http *http);
const struct connections_counters *http_connection_counters(const struct http *http);

#endif
