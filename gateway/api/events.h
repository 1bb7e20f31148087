/* SPDX-License-Identifier: Apache-2.0 */
/* /api/events, /api/events/stream: raw events. */
#ifndef GATEWAY_API_EVENTS_H
#define GATEWAY_API_EVENTS_H

#include "gateway/http/request.h"

enum MHD_Result api_events_list(struct request *request);
enum MHD_Result api_events_stream(struct request *request);

#endif
