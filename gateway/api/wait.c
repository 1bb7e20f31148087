/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/wait.h"

#include <stdio.h>
#include <sys/epoll.h>

#include "common/config/file/values.h"
#include "gateway/api/api.h"
#include "gateway/api/who.h"
#include "gateway/base/tag.h"
#include "gateway/http/reply.h"

bool wait_parse(struct request *request, enum MHD_Result *result)
{
    const char *text = request_parameter(request, "wait");
    if (text == NULL || text[0] == '\0' || request->wait_ms != 0) {
        return true;
    }
    int64_t wait_ms;
    if (!config_duration_parse(str_of(text), &wait_ms) || wait_ms > WAIT_MAX_MS) {
        *result = reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                "`wait` is a duration of at most 60s, such as 20s or 500ms.", 0);
        return false;
    }
    request->wait_ms = wait_ms;
    request->wait_end = mono_add_ms(api_of(request)->turn->now, wait_ms);
    return true;
}

const char *wait_header(const struct request *request, char value[WAIT_TEXT_SIZE])
{
    snprintf(value, WAIT_TEXT_SIZE, "wait=%lld", (long long)((request->wait_ms + 999) / 1000));
    return request->wait_ms != 0 ? "Preference-Applied" : NULL;
}

static enum MHD_Result refuse(struct request *request, unsigned status, const char *detail)
{
    waiting_counters(api_of(request)->waiting)->refused++;
    return reply_problem(request, status, detail, reply_retry_s());
}

/* Libmicrohttpd does not look at a suspended connection, so its end is watched for here. */
static bool watch_client(const struct request *request)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET,
                                .data.u64 = tag_of_owner(TAG_WAITING, request)};
    return epoll_ctl(api_of(request)->epoll, EPOLL_CTL_ADD, request_socket(request), &event) == 0;
}

bool wait_for_change(struct request *request, enum waiting_for what, struct selection *selection,
                     enum MHD_Result *result)
{
    struct api *api = api_of(request);
    if (request->waited_enough || api->turn->draining ||
        request->wait_end.us <= api->turn->now.us) {
        return false; /* A request that did not ask to wait has a wait_end of 0. */
    }
    if (waiting_full(api->waiting)) {
        *result = refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "As many requests wait here as may; try again, or ask without `wait`.");
    } else if (!clients_hold(api->clients, &request->client, waiting_unused(api->waiting),
                             api->turn->now)) {
        *result = refuse(request, MHD_HTTP_TOO_MANY_REQUESTS,
                         "This address has as many streams and waiting requests as it may; end "
                         "some, or share one between pages.");
    } else if (!watch_client(request)) {
        clients_let_go(api->clients, &request->client);
        *result = refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "This gateway has no room for requests to wait; ask without `wait`.");
    } else {
        const mono_time ends = who_ends(request);
        waiting_add(api->waiting, &request->waiting, what, selection,
                    ends.us < request->wait_end.us ? ends : request->wait_end);
        request_suspend(request);
        *result = MHD_YES;
        return true;
    }
    selection_free(selection);
    return true;
}

bool wait_to_resume(struct request *request, struct event_id event_id, enum MHD_Result *result)
{
    struct api *api = api_of(request);
    if (request->resume_end.us == 0) {
        request->resume_end = mono_add_ms(api->turn->now, WAIT_RESUME_MS);
    }
    if (request->head || api->turn->draining || request->resume_end.us <= api->turn->now.us ||
        !eventlog_may_come(api->events, event_id) || waiting_full(api->waiting) ||
        !clients_hold(api->clients, &request->client, waiting_unused(api->waiting),
                      api->turn->now)) {
        return false;
    }
    if (!watch_client(request)) {
        clients_let_go(api->clients, &request->client);
        return false;
    }
    waiting_add_resume(api->waiting, &request->waiting, event_id, request->resume_end);
    request_suspend(request);
    *result = MHD_YES;
    return true;
}

void wait_wake(void *arg, struct waiting_item *item, enum waiting_end reason)
{
    struct api *api = arg;
    struct request *request =
        (void *)((char *)item -
                 offsetof(struct request, waiting)); /* The item lies in its request. */
    if (item->what == WAITING_TO_RESUME) {
        request->waited_enough = reason == WAITING_LET_GO; /* If not, it may wait for a change. */
    } else {
        request->waited_enough = reason != WAITING_CHANGED;
    }
    clients_let_go(api->clients, &request->client);
    (void)epoll_ctl(api->epoll, EPOLL_CTL_DEL, request_socket(request), NULL);
    request_resume(request);
    api->resumed = true;
}

void wait_client_gone(struct request *request)
{
    struct api *api = api_of(request);
    waiting_remove(api->waiting, &request->waiting);
    waiting_counters(api->waiting)->gone++;
    /* Libmicrohttpd finds the connection closed when it goes on with it. */
    wait_wake(api, &request->waiting, WAITING_LET_GO);
}
