/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with the dashboard's files. */
#ifndef GATEWAY_API_ASSETS_H
#define GATEWAY_API_ASSETS_H

#include "gateway/http/request.h"

/* Answers every path that is not the API's with a file, or with 404. */
enum MHD_Result api_assets_get(struct request *request);

#endif
