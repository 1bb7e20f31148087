/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /metrics with Prometheus text. */
#ifndef GATEWAY_API_METRICS_H
#define GATEWAY_API_METRICS_H

#include "gateway/http/request.h"

enum MHD_Result api_metrics(struct request *request);

#endif
