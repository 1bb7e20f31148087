/* SPDX-License-Identifier: Apache-2.0 */
/* What the listener for operators answers (gateway.admin_listen): figures and health, and nothing
 * else. Nobody is charged there. */
#ifndef GATEWAY_API_ADMIN_H
#define GATEWAY_API_ADMIN_H

#include "gateway/http/request.h"

/* A struct http_api's answer; arg: the struct api. */
enum MHD_Result api_admin_answer(void *arg, struct request *request, const char *method);

#endif
