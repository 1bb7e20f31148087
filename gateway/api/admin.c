/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/admin.h"

#include <string.h>

#include "gateway/api/metrics.h"
#include "gateway/api/status.h"
#include "gateway/http/reply.h"

static const struct {
    const char *path;
    enum MHD_Result (*answer)(struct request *request);
    bool any_host; /* True when it may be asked for under any name. */
} routes[] = {
    {"/metrics", api_metrics, false},
    {"/healthz", api_healthz, true},
    {"/readyz", api_readyz, true},
};

enum MHD_Result api_admin_answer(void *arg, struct request *request, const char *method)
{
    (void)arg;
    if (request->header_too_large || request->too_large) {
        return reply_too_large(request);
    }
    if (request->nul) {
        return reply_problem(request, MHD_HTTP_BAD_REQUEST,
                             "Neither a path nor a parameter holds a NUL (%00).", 0);
    }
    if (!request->head && strcmp(method, "GET") != 0) {
        return reply_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                             "Everything here is read with GET.", 0);
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(request->path, routes[i].path) != 0) {
            continue;
        }
        /* A page that had its name point here (hosts.h) reads nothing. */
        return request->host_foreign && !routes[i].any_host
                   ? reply_problem(request, MHD_HTTP_MISDIRECTED_REQUEST,
                                   "This host is no name of the gateway; gateway.hosts lists those "
                                   "under which it may be asked.",
                                   0)
                   : routes[i].answer(request);
    }
    return reply_problem(request, MHD_HTTP_NOT_FOUND,
                         "Here are /metrics, /healthz and /readyz; the dashboard and the API are "
                         "at gateway.listen.",
                         0);
}
