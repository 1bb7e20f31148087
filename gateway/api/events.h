/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /api/events and /api/events/stream, which serve raw events. */
#ifndef GATEWAY_API_EVENTS_H
#define GATEWAY_API_EVENTS_H

#include "gateway/http/request.h"

enum MHD_Result api_events_list(struct request *request);
enum MHD_Result api_events_stream(struct request *request);

#endif
