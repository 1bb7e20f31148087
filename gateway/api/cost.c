/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/cost.h"

#include "gateway/api/api.h"
#include "gateway/http/reply.h"

#define STEP_BYTES 32     /* Bytes of an answer that cost a step. */
#define REQUEST_STEPS 500 /* The cost of a request for which no token was taken. */

bool cost_admit(struct request *request, enum MHD_Result *result)
{
    struct api *api = api_of(request);
    unsigned retry_s = 1;
    if (clients_may_work(api->clients, &request->client, api->turn->now, &retry_s)) {
        return true;
    }
    api->counters.refused_work++;
    *result = reply_problem(request, MHD_HTTP_TOO_MANY_REQUESTS,
                            "What this address asked for took as much work as one address may "
                            "cause; wait, and ask for less at once or with fewer patterns.",
                            retry_s);
    return false;
}

bool cost_too_high(const struct selection *selection)
{
    return selection_steps(selection) >= COST_FIND_MAX;
}

enum MHD_Result cost_refuse(struct request *request)
{
    api_of(request)->counters.refused_patterns++;
    return reply_problem(request, MHD_HTTP_BAD_REQUEST,
                         "It would take too much work to find what these patterns select; ask with "
                         "fewer of them, or with such that do not begin with `*`.",
                         0);
}

void cost_settle(struct request *request, bool counted)
{
    struct api *api = api_of(request);
    const uint64_t steps =
        request->steps + request->answer_bytes / STEP_BYTES + (counted ? 0 : REQUEST_STEPS);
    request->steps = 0;
    api->counters.work_steps += steps;
    if (steps != 0) {
        (void)clients_charge(api->clients, &request->client, steps, api->turn->now);
    }
}
