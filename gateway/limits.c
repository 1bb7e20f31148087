/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/limits.h"

#include "common/program/log.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t gateway_max_streams(const struct gateway *gateway)
{
    return least(gateway->config->gateway.limits.streams, gateway->descriptors.streams);
}

struct streams_input gateway_streams_input(const struct gateway *gateway)
{
    const struct config_gateway_limits *limits = &gateway->config->gateway.limits;
    return (struct streams_input){.message_bytes = limits->message_bytes,
                                  .frames_per_second = (uint32_t)limits->frames_per_second,
                                  .frames_burst = (uint32_t)limits->frames_burst};
}

/* Waiting requests may take half of the connections; the rest is for what is answered at once. */
size_t gateway_max_waiting(const struct gateway *gateway)
{
    return least(gateway->config->gateway.limits.waiting, gateway->descriptors.connections / 2);
}

struct connections_config gateway_connections(const struct gateway *gateway)
{
    const struct config_gateway_limits *limits = &gateway->config->gateway.limits;
    return (struct connections_config){.max = gateway->descriptors.connections,
                                       .idle_ms = limits->idle_timeout_ms,
                                       .reading_ms = limits->request_timeout_ms,
                                       .answering_ms = CONNECTIONS_ANSWERING_MS};
}

struct hosts gateway_hosts(const struct gateway *gateway,
                           const struct config_listen_address *listen)
{
    const struct config_gateway *config = &gateway->config->gateway;
    const bool local = config_listen_is_local(listen);
    return (struct hosts){.names = config->hosts,
                          .count = config->host_count,
                          .any = config->hosts_any || (config->host_count == 0 && !local),
                          .loopback = local};
}

/* Two limits stay as they are: at the start memory was made for so many tiles and channels. */
static void take_over(struct config_gateway_limits *limits, struct config_gateway_limits wanted)
{
    if (wanted.tiles != limits->tiles || wanted.channels != limits->channels) {
        log_info("SIGHUP: limits.tiles and limits.channels stay %zu and %zu: start another gateway "
                 "on the same port, then stop this one, to change them",
                 limits->tiles, limits->channels);
    }
    wanted.tiles = limits->tiles;
    wanted.channels = limits->channels;
    *limits = wanted;
}

void gateway_reload(struct gateway *gateway)
{
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_load(gateway->program->config_path, &config, &err) != STATUS_OK) {
        log_error("SIGHUP: %s; keeping the limits as they were", err.text);
        return;
    }
    take_over(&gateway->program->config->gateway.limits, config->gateway.limits);
    config_destroy(&config);
    const struct connections_config connections = gateway_connections(gateway);
    http_configure(gateway->http, &connections);
    waiting_set_max(gateway->waiting, gateway_max_waiting(gateway));
    streams_set_max(gateway->streams, gateway_max_streams(gateway));
    streams_set_input(gateway->streams, gateway_streams_input(gateway));
    log_info("SIGHUP: limits are those of the file now; for the rest start another gateway on the "
             "same port, then stop this one");
}
