/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusing a Content-Length that is no number. Libmicrohttpd does that by itself, before it hands
 * anything over, and version 0.9.75 begins that answer twice: parse_connection_headers() writes its
 * head and goes on to HEADERS_SENDING, and its caller sets the state back to HEADERS_PROCESSED,
 * from where the head is written once more. But it first says in its log what it has found. In that
 * moment the connection is answered and shut down here, so that nothing of what it writes then
 * comes to the client.
 *
 * The log does not say which connection it is. So all requests whose headers are still coming are
 * looked at: any of them that has such a length is malformed, whatever is still to come of it.
 */
#ifndef GATEWAY_HTTP_LENGTHS_H
#define GATEWAY_HTTP_LENGTHS_H

struct http;

/* To be called when libmicrohttpd's log speaks of a Content-Length. */
void lengths_refuse(struct http *http);

#endif
