/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /api/views, which tells the views of the dashboard that the configuration names. */
#ifndef GATEWAY_API_VIEWS_H
#define GATEWAY_API_VIEWS_H

#include "gateway/http/request.h"

enum MHD_Result api_views_get(struct request *request);

#endif
