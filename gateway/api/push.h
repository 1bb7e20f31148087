/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /api/events: events that are pushed. The gateway reads them, sees to who may push which, and
 * hands them to the ingestor that leads; it keeps nothing.
 *
 *     body ─► refuse what no client of ours sends ─► push_body.h ─► asker.h ─► suspended
 *                                    answered ◄─ handler, once more ◄─ reply ──┘
 */
#ifndef GATEWAY_API_PUSH_H
#define GATEWAY_API_PUSH_H

#include "gateway/http/request.h"

#define API_PUSH_PATH "/api/events"
#define API_PUSH_ALLOW "GET, HEAD, OPTIONS, POST"

/* The handler. Only where gateway.push has ingestors. */
enum MHD_Result api_push(struct request *request);

/* The `body_max` of struct http_api; arg: the struct api. */
size_t api_push_body_max(void *arg, const struct request *request, const char *method);

#endif
