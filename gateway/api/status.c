/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/status.h"

#include "gateway/api/api.h"
#include "gateway/http/reply.h"

static const char *const uncached[] = {"Cache-Control", "no-store", NULL};

enum MHD_Result api_healthz(struct request *request)
{
    return reply_body(request, MHD_HTTP_OK, "text/plain; charset=utf-8", STR("alive\n"), uncached);
}

enum MHD_Result api_readyz(struct request *request)
{
    const struct api *api = api_of(request);
    const char *reason = "this gateway is draining";
    if (api->turn->draining || !replica_fresh(api->replica, api->turn->now, &reason)) {
        return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, reason, 1);
    }
    return reply_body(request, MHD_HTTP_OK, "text/plain; charset=utf-8", STR("ready\n"), uncached);
}
