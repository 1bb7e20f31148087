/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/definitions.h"

#include "gateway/api/visible.h"
#include "gateway/http/reply.h"

enum MHD_Result api_definitions_get(struct request *request, const char *key)
{
    static const char *const headers[] = {"Cache-Control", "no-cache", NULL};
    const struct tile_config *tile = visible_definition(request, str_of(key));
    if (tile == NULL) {
        return reply_problem(request, MHD_HTTP_NOT_FOUND,
                             "This gateway's configuration defines no tile with that key.", 0);
    }
    return reply_body(request, MHD_HTTP_OK, "application/json", str_of(tile->definition), headers);
}
