/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which handler answers which path, and what every request goes through before it gets there:
 *
 *   rate limit ─► size ─► OPTIONS ─► only GET ─► what its client may see ─► handler
 *     429       413, 431               405
 *
 * A handler queues one answer and returns what libmicrohttpd is to be told. To add a resource,
 * write its handler in a file of its own, and its line into the table.
 */
#ifndef GATEWAY_API_ROUTES_H
#define GATEWAY_API_ROUTES_H

#include "gateway/http/request.h"

/* The `answer` of struct http_api; arg: the struct api. */
enum MHD_Result api_routes_answer(void *arg, struct request *request, const char *method);

#endif
