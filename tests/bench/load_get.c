/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over keep-alive connections, one at a time each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/histogram.h"
#include "tests/bench/load.h"
#include "tests/bench/scanner.h"

struct getter {
    int fd;
    uint64_t asked_us; /* when its request was sent */
    char buffer[16384];
    size_t len;
};

struct gets {
    const char *request;
    size_t request_len;
    const char *expected; /* how each answer begins */
    uint64_t answers;
    uint64_t others; /* answers that begin otherwise */
    struct histogram latency;
};

static void take(struct gets *gets, struct getter *getter)
{
    const ssize_t got = recv(getter->fd, getter->buffer + getter->len,
                             sizeof getter->buffer - getter->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        fail("a connection ended after %llu answers: %s", (unsigned long long)gets->answers,
             got < 0 ? strerror(errno) : "closed");
    }
    getter->len += (size_t)got;
    const size_t answer = answer_length(getter->buffer, getter->len);
    if (answer == SIZE_MAX || getter->len == sizeof getter->buffer) {
        fail("an answer without Content-Length, or too large");
    }
    if (answer == getter->len) {
        gets->answers++;
        gets->others += memcmp(getter->buffer, gets->expected, strlen(gets->expected)) != 0;
        getter->len = 0;
        histogram_add(&gets->latency, now_us() - getter->asked_us);
        getter->asked_us = now_us();
        if (!send_all(getter->fd, gets->request, gets->request_len)) {
            fail("send: %s", strerror(errno));
        }
    }
}

/* Sends what `gets` has over each of so many connections, and prints what came of it. */
static int run(struct gets *gets, unsigned port, size_t connections, double seconds,
               const struct processes *servers)
{
    struct getter *getters = calloc(connections, sizeof *getters);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (getters == NULL || epoll < 0) {
        fail("no memory");
    }
    for (size_t i = 0; i < connections; i++) {
        getters[i].fd = dial(i, port);
        if (getters[i].fd < 0 || !send_all(getters[i].fd, gets->request, gets->request_len)) {
            fail("connection %zu: %s", i, strerror(errno));
        }
        getters[i].asked_us = now_us();
        watch(epoll, getters[i].fd, i);
    }
    const double cpu_s = processes_cpu_s(servers);
    const uint64_t begun = now_us();
    const uint64_t end = begun + (uint64_t)(seconds * 1e6);
    while (now_us() < end) {
        struct epoll_event events[256];
        const int ready = epoll_wait(epoll, events, 256, 1000);
        for (int i = 0; i < ready; i++) {
            take(gets, &getters[events[i].data.u64]);
        }
    }
    printf("{\"requests\": %llu, \"others\": %llu, \"seconds\": %.3f, \"cpu_s\": %.3f, "
           "\"p95_us\": %llu}\n",
           (unsigned long long)gets->answers, (unsigned long long)gets->others,
           (double)(now_us() - begun) / 1e6, processes_cpu_s(servers) - cpu_s,
           (unsigned long long)histogram_percentile(&gets->latency, 0.95));
    free(getters);
    return EXIT_SUCCESS;
}

int run_get(unsigned port, const char *path, size_t connections, double seconds, const char *etag,
            const struct processes *servers)
{
    char request[1024];
    char condition[512] = "";
    const bool conditional = strcmp(etag, "-") != 0;
    if (conditional) {
        snprintf(condition, sizeof condition, "If-None-Match: %s\r\n", etag);
    }
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path,
             condition);
    struct gets gets = {.request = request,
                        .request_len = strlen(request),
                        .expected = conditional ? "HTTP/1.1 304" : "HTTP/1.1 200"};
    return run(&gets, port, connections, seconds, servers);
}

int run_push(unsigned port, const char *body, size_t connections, double seconds,
             const struct processes *servers)
{
    char request[1024];
    snprintf(request, sizeof request,
             "POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    struct gets gets = {
        .request = request, .request_len = strlen(request), .expected = "HTTP/1.1 201"};
    return run(&gets, port, connections, seconds, servers);
}
