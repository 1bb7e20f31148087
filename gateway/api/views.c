/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/views.h"

#include "common/codec/json.h"
#include "gateway/api/api.h"
#include "gateway/http/reply.h"

enum MHD_Result api_views_get(struct request *request)
{
    static const char *const headers[] = {"Cache-Control", "no-cache", NULL};
    const struct config_gateway *gateway = &api_of(request)->config->gateway;
    struct buf body = {0};
    buf_append_text(&body, "{\"views\":[");
    for (size_t i = 0; i < gateway->view_count; i++) {
        buf_append_text(&body, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_write_string(&body, str_of(gateway->views[i].name));
        buf_append_text(&body, ",\"query\":");
        json_write_string(&body, str_of(gateway->views[i].query));
        buf_append_char(&body, '}');
    }
    buf_append_text(&body, "]}");
    const enum MHD_Result result =
        reply_body(request, MHD_HTTP_OK, "application/json", buf_str(&body), headers);
    buf_free(&body);
    return result;
}
