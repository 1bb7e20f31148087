/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the page that asks is one of the gateway's own. */
#ifndef GATEWAY_API_ORIGIN_H
#define GATEWAY_API_ORIGIN_H

#include <stdbool.h>

#include "gateway/http/request.h"

/* True when that Origin is of the host under which the request asks. That the host is a name of the
 * gateway's was seen to before (routes.c), or a page could be of any. */
bool origin_is_own(const struct request *request, const char *origin);

#endif
