/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/api.h"

#include "gateway/http/request.h"

struct api *api_of(const struct request *request)
{
    return request_api(request);
}

wall_time api_as_of(const struct api *api)
{
    struct query_state state = {0};
    replica_standing(api->replica, api->turn->now, &state);
    return state.as_of;
}
