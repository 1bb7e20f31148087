/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /metrics with Prometheus text. */
#ifndef GATEWAY_API_METRICS_H
#define GATEWAY_API_METRICS_H

#include "gateway/http/request.h"

enum MHD_Result api_metrics(struct request *request);

/* The same where everybody asks: they are not told there if operators have a listener of their own.
 */
enum MHD_Result api_public_metrics(struct request *request);

#endif
