/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long-polling: a request that wants to wait is suspended, which takes it out of libmicrohttpd's
 * loop and timeouts, and resumed when waiting.h wakes it; its handler is then called once more.
 */
#include <stdio.h>
#include <sys/epoll.h>

#include "common/config/values.h"
#include "gateway/http/server.h"

bool wait_parse(struct request *request, enum MHD_Result *result)
{
    const char *text = parameter(request, "wait");
    if (text == NULL || text[0] == '\0' || request->wait_ms != 0) {
        return true;
    }
    int64_t wait_ms;
    if (!duration_parse(str_of(text), &wait_ms) || wait_ms > WAIT_MAX_MS) {
        *result = reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                "`wait` is a duration of at most 60s, such as 20s or 500ms.", 0);
        return false;
    }
    request->wait_ms = wait_ms;
    request->wait_end = mono_add_ms(request->http->gateway->now, wait_ms);
    return true;
}

const char *wait_header(const struct request *request, char value[WAIT_TEXT_SIZE])
{
    snprintf(value, WAIT_TEXT_SIZE, "wait=%lld", (long long)((request->wait_ms + 999) / 1000));
    return request->wait_ms != 0 ? "Preference-Applied" : NULL;
}

static int socket_of(const struct request *request)
{
    return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

static enum MHD_Result refuse(struct request *request, unsigned status, const char *detail)
{
    waiting_counters(request->http->gateway->waiting)->refused++;
    return reply_problem(request, status, detail, retry_later());
}

/* Libmicrohttpd does not look at a suspended connection, so its end is watched for here. */
static bool watch_client(const struct request *request)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET,
                                .data.u64 = (uint64_t)(uintptr_t)request};
    return epoll_ctl(request->http->gateway->epoll, EPOLL_CTL_ADD, socket_of(request), &event) == 0;
}

static void suspend(struct request *request)
{
    request_phase(request, CONNECTION_WAITING);
    MHD_suspend_connection(request->connection);
}

bool wait_for_change(struct request *request, enum waiting_for what, struct selection *selection,
                     enum MHD_Result *result)
{
    struct gateway *gateway = request->http->gateway;
    if (request->waited_enough || gateway->draining ||
        request->wait_end.us <= gateway->now.us) { /* also when it did not ask for it */
        return false;
    }
    if (waiting_full(gateway->waiting)) {
        *result = refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "As many requests wait here as may; try again, or ask without `wait`.");
    } else if (!clients_hold(gateway->clients, &request->address, gateway->now)) {
        *result = refuse(request, MHD_HTTP_TOO_MANY_REQUESTS,
                         "This address has as many streams and waiting requests as it may; end "
                         "some, or share one between pages.");
    } else if (!watch_client(request)) {
        clients_stream_closed(gateway->clients, &request->address);
        *result = refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "This gateway has no room for requests to wait; ask without `wait`.");
    } else {
        waiting_add(gateway->waiting, &request->waiter, what, selection, request->wait_end);
        suspend(request);
        *result = MHD_YES;
        return true;
    }
    selection_free(selection);
    return true;
}

bool wait_to_resume(struct request *request, int64_t event_id, enum MHD_Result *result)
{
    struct gateway *gateway = request->http->gateway;
    if (request->resume_end.us == 0) {
        request->resume_end = mono_add_ms(gateway->now, RESUME_WAIT_MS);
    }
    if (request->head || gateway->draining || request->resume_end.us <= gateway->now.us ||
        !eventlog_may_come(gateway->events, event_id) || waiting_full(gateway->waiting) ||
        !clients_hold(gateway->clients, &request->address, gateway->now)) {
        return false;
    }
    if (!watch_client(request)) {
        clients_stream_closed(gateway->clients, &request->address);
        return false;
    }
    waiting_add_resume(gateway->waiting, &request->waiter, event_id, request->resume_end);
    suspend(request);
    *result = MHD_YES;
    return true;
}

void wait_wake(void *arg, struct waiter *waiter, enum wake_reason reason)
{
    struct gateway *gateway = arg;
    struct request *request =
        (void *)((char *)waiter - offsetof(struct request, waiter)); /* see struct waiter */
    if (waiter->what == WAIT_RESUME) {
        request->waited_enough = reason == WAKE_DRAIN; /* what it asked for may come yet */
    } else {
        request->waited_enough = reason != WAKE_CHANGE;
    }
    request->asked_at = clock_mono();
    clients_stream_closed(gateway->clients, &request->address);
    (void)epoll_ctl(gateway->epoll, EPOLL_CTL_DEL, socket_of(request), NULL);
    MHD_resume_connection(request->connection);
    gateway->resumed = true;
}

void wait_client_gone(struct request *request)
{
    struct gateway *gateway = request->http->gateway;
    waiting_remove(gateway->waiting, &request->waiter);
    waiting_counters(gateway->waiting)->gone++;
    wait_wake(gateway, &request->waiter, WAKE_DRAIN); /* libmicrohttpd sees for itself */
}
