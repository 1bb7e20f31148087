/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /healthz, which says that the gateway is alive, and /readyz, which says if it is in
 * service, that is, in sync with upstream and not draining. */
#ifndef GATEWAY_API_STATUS_H
#define GATEWAY_API_STATUS_H

#include "gateway/http/request.h"

enum MHD_Result api_healthz(struct request *request);
enum MHD_Result api_readyz(struct request *request);

#endif
