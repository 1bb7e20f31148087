/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/connections.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <utlist.h>

#include "common/base/xalloc.h"

/* Even when room is tight, a connection may stay this long in its phase, so that one that has just
 * come gets its turn. */
#define IDLE_EVICT_MS 100
#define READING_EVICT_MS 200
#define ANSWERING_EVICT_MS 10000

struct connections {
    struct connections_config config;
    struct connection *lists[CONNECTION_PHASES]; /* One list a phase, oldest first. */
    size_t count; /* All connections, those that were ended included. */
    size_t ended; /* Those of `count` that are shut down, which leaves their places free. */
    struct connections_counters counters;
};

struct connections *connections_create(const struct connections_config *config)
{
    struct connections *connections = x_calloc(1, sizeof *connections);
    connections->config = *config;
    return connections;
}

void connections_destroy(struct connections **connections)
{
    assert(*connections == NULL || (*connections)->count == 0);
    free(*connections);
    *connections = NULL;
}

void connections_configure(struct connections *connections, const struct connections_config *config)
{
    connections->config = *config;
}

static void end(struct connections *connections, struct connection *connection, uint64_t *counter)
{
    DL_DELETE(connections->lists[connection->phase], connection);
    connection->ended = true;
    connections->ended++;
    (*counter)++;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

/* The client is still sending its request, so it cannot take this for part of another answer. */
static void say_too_slow(const struct connection *connection)
{
    static const char answer[] =
        "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\n"
        "Connection: close\r\nContent-Length: 117\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\"detail\":"
        "\"The request took too long; send it at once.\"}\n";
    (void)send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void connections_refuse(struct connections *connections, struct connection *connection,
                        struct str answer)
{
    uint64_t uncounted = 0;
    if (!connection->ended) {
        (void)send(connection->fd, answer.p, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        end(connections, connection, &uncounted);
    }
}

static bool older(const struct connection *connection, mono_time now, int64_t ms)
{
    return connection != NULL && now.us - connection->since.us >= ms * US_PER_MS;
}

static size_t alive(const struct connections *connections)
{
    return connections->count - connections->ended;
}

bool connections_tight(const struct connections *connections)
{
    return alive(connections) >= connections->config.max / 8 * 7;
}

void connections_relieve(struct connections *connections, mono_time now)
{
    static const int64_t least_ms[] = {
        [CONNECTION_IDLE] = IDLE_EVICT_MS,
        [CONNECTION_READING] = READING_EVICT_MS,
        [CONNECTION_ANSWERING] = ANSWERING_EVICT_MS,
    };
    if (!connections_tight(connections)) {
        return;
    }
    for (size_t i = 0; i < sizeof least_ms / sizeof *least_ms; i++) {
        struct connection **list = &connections->lists[i];
        while (alive(connections) > connections->config.max / 2 && older(*list, now, least_ms[i])) {
            end(connections, *list, &connections->counters.evicted);
        }
    }
}

struct connection *connections_add(struct connections *connections, int fd, mono_time now)
{
    connections_relieve(connections, now);
    struct connection *connection = x_calloc(1, sizeof *connection);
    connection->fd = fd;
    connection->phase = CONNECTION_IDLE;
    connection->since = now;
    DL_APPEND(connections->lists[CONNECTION_IDLE], connection);
    connections->count++;
    connections->counters.accepted++;
    return connection;
}

void connections_remove(struct connections *connections, struct connection **connection)
{
    if ((*connection)->ended) {
        connections->ended--;
    } else {
        DL_DELETE(connections->lists[(*connection)->phase], *connection);
    }
    connections->count--;
    free(*connection);
    *connection = NULL;
}

void connections_enter(struct connections *connections, struct connection *connection,
                       enum connection_phase phase, mono_time now)
{
    if (connection->ended) {
        return;
    }
    DL_DELETE(connections->lists[connection->phase], connection);
    connection->phase = phase;
    connection->since = now;
    DL_APPEND(connections->lists[phase], connection);
}

void connections_sweep(struct connections *connections, mono_time now)
{
    struct connection **lists = connections->lists;
    const struct connections_config *config = &connections->config;
    while (older(lists[CONNECTION_IDLE], now, config->idle_ms)) {
        end(connections, lists[CONNECTION_IDLE], &connections->counters.idle);
    }
    while (older(lists[CONNECTION_READING], now, config->reading_ms)) {
        say_too_slow(lists[CONNECTION_READING]);
        end(connections, lists[CONNECTION_READING], &connections->counters.slow);
    }
    while (older(lists[CONNECTION_ANSWERING], now, config->answering_ms)) {
        end(connections, lists[CONNECTION_ANSWERING], &connections->counters.stuck);
    }
}

void connections_end_idle(struct connections *connections, mono_time now, int64_t idle_ms)
{
    uint64_t uncounted = 0;
    while (older(connections->lists[CONNECTION_IDLE], now, idle_ms)) {
        end(connections, connections->lists[CONNECTION_IDLE], &uncounted);
    }
}

size_t connections_count(const struct connections *connections)
{
    return connections->count;
}

const struct connections_counters *connections_counters(const struct connections *connections)
{
    return &connections->counters;
}
