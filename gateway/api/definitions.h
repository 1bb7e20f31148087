/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /api/definitions/KEY, which tells what the configuration says about a tile or family. */
#ifndef GATEWAY_API_DEFINITIONS_H
#define GATEWAY_API_DEFINITIONS_H

#include "gateway/http/request.h"

enum MHD_Result api_definitions_get(struct request *request, const char *key);

#endif
