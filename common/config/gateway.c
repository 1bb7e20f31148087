/* SPDX-License-Identifier: Apache-2.0 */
/* The `gateway` section. */
#include <string.h>

#include "common/config/network.h"
#include "common/config/values.h"

/* Returns NULL, or what was expected. The text is borrowed. */
static const char *parse_listen(struct str text, struct listen_address *out)
{
    struct endpoint endpoint;
    const char *expected = host_port_parse(text, &endpoint);
    if (expected != NULL) {
        return expected;
    }
    if (!endpoint.wildcard && !endpoint.numeric) {
        return "an IP address of this machine before the port (127.0.0.1 for this machine alone), "
               "or *";
    }
    *out = (struct listen_address){
        .text = text.p,
        .ip = endpoint.ip,
        .any = endpoint.wildcard,
        .ipv6 = endpoint.wildcard || memchr(endpoint.host.p, ':', endpoint.host.len) != NULL,
        .port = endpoint.port,
    };
    return NULL;
}

int config_parse_listen(const char *text, struct listen_address *out, struct error *err)
{
    const char *expected = parse_listen(str_of(text), out);
    if (expected != NULL) {
        return error_set(err, STATUS_INVALID, "%s: expected %s", text, expected);
    }
    return STATUS_OK;
}

static int read_listen(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    struct str text;
    const int status = config_scalar(r, value, key->name, "ADDRESS:PORT", &text);
    if (status != STATUS_OK) {
        return status;
    }
    const struct str copy = {arena_strndup(r->memory, text.p, text.len), text.len};
    const char *expected = parse_listen(copy, &gateway->listen);
    return expected != NULL ? config_expected(r, value, key->name, expected) : STATUS_OK;
}

static int read_trusted_proxies(struct config_reader *r, const struct config_key *key,
                                const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = config_expect_list(r, value, key->name, CONFIG_PROXIES_MAX);
    if (status != STATUS_OK) {
        return status;
    }
    gateway->trusted_proxies =
        arena_array(r->memory, value->count, sizeof *gateway->trusted_proxies);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR ||
            !ip_range_parse(node->text,
                            &gateway->trusted_proxies[gateway->trusted_proxy_count++])) {
            return config_expected(r, node, key->name,
                                   "an IP address or a range of them such as 10.0.0.0/8");
        }
    }
    return STATUS_OK;
}

/* scheme://host or scheme://host:port, as browsers send it in Origin. */
static bool origin_valid(struct str text)
{
    const char *slashes = strstr(text.p, "://");
    if (slashes == NULL || slashes == text.p || slashes[3] == '\0' || text.len > 255) {
        return false;
    }
    return strspn(text.p, "abcdefghijklmnopqrstuvwxyz0123456789+-.") ==
               (size_t)(slashes - text.p) &&
           strspn(slashes + 3, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]") == strlen(slashes + 3);
}

static int read_cors_origins(struct config_reader *r, const struct config_key *key,
                             const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = config_expect_list(r, value, key->name, CONFIG_ORIGINS_MAX);
    if (status != STATUS_OK) {
        return status;
    }
    gateway->cors_origins = arena_array(r->memory, value->count, sizeof *gateway->cors_origins);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind == YAML_SCALAR && str_is(node->text, "*")) {
            gateway->cors_any = true;
            continue;
        }
        if (node->kind != YAML_SCALAR || !origin_valid(node->text)) {
            return config_expected(r, node, key->name,
                                   "an origin such as https://ops.example.org (lower case, no path "
                                   "and no slash at its end), or \"*\"");
        }
        gateway->cors_origins[gateway->cors_origin_count++] =
            arena_strndup(r->memory, node->text.p, node->text.len);
    }
    return STATUS_OK;
}

static const struct config_key limit_keys[] = {
    WHOLE_KEY("streams", struct gateway_limits, streams, 1, 1000000),
    WHOLE_KEY("streams_per_address", struct gateway_limits, streams_per_address, 1, 1000000),
    NUMBER_KEY("streams_per_second", struct gateway_limits, streams_per_second, 0, 1000000),
    WHOLE_KEY("streams_burst", struct gateway_limits, streams_burst, 1, 1000000),
    NUMBER_KEY("requests_per_second", struct gateway_limits, requests_per_second, 0, 1000000),
    WHOLE_KEY("requests_burst", struct gateway_limits, requests_burst, 1, 1000000),
    SIZE_KEY("header", struct gateway_limits, header_bytes, 1024, 1 << 20),
    SIZE_KEY("body", struct gateway_limits, body_bytes, 0, 1 << 20),
    DURATION_KEY("request_timeout", struct gateway_limits, request_timeout_ms, MS_PER_SECOND,
                 10 * MS_PER_MINUTE),
    DURATION_KEY("idle_timeout", struct gateway_limits, idle_timeout_ms, MS_PER_SECOND,
                 MS_PER_HOUR),
    SIZE_KEY("message", struct gateway_limits, message_bytes, 1024, 128 << 10),
    WHOLE_KEY("frames_per_second", struct gateway_limits, frames_per_second, 1, 1000),
    WHOLE_KEY("frames_burst", struct gateway_limits, frames_burst, 1, 100000),
    WHOLE_KEY("waiting", struct gateway_limits, waiting, 1, 1000000),
    WHOLE_KEY("tiles", struct gateway_limits, tiles, 1, 10000000),
    WHOLE_KEY("channels", struct gateway_limits, channels, 1, 100000),
};

static int read_limits(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    return read_section(r, key->name, value, limit_keys, COUNT_OF(limit_keys), &gateway->limits);
}

/* 0 stands for no limit; what is shorter than a second would only make clients spin. */
static int read_stream_age(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = read_duration(r, key, value, target);
    if (status == STATUS_OK && gateway->max_stream_age_ms > 0 &&
        gateway->max_stream_age_ms < MS_PER_SECOND) {
        return config_expected(r, value, key->name, "0 (no limit), or at least 1s");
    }
    return status;
}

static const struct config_key keys[] = {
    SECTION_KEY("listen", read_listen),
    CUSTOM_KEY("upstreams", read_upstreams, struct config_gateway, upstreams),
    WHOLE_KEY("events", struct config_gateway, events, 1, 1000000),
    SECTION_KEY("limits", read_limits),
    SECTION_KEY("trusted_proxies", read_trusted_proxies),
    SECTION_KEY("cors_origins", read_cors_origins),
    DURATION_KEY("heartbeat", struct config_gateway, heartbeat_ms, 100, 5 * MS_PER_MINUTE),
    DURATION_KEY("stalled", struct config_gateway, stalled_ms, 100, MS_PER_HOUR),
    DURATION_KEY("drain", struct config_gateway, drain_ms, 0, 5 * MS_PER_MINUTE),
    {"max_stream_age", read_stream_age, MEMBER(struct config_gateway, max_stream_age_ms), 0,
     30 * MS_PER_DAY, 0, NULL},
    SIZE_KEY("channel_log", struct config_gateway, channel_log_bytes, 16 << 10, 256 << 20),
};

void config_gateway_defaults(struct config_reader *r)
{
    struct config_gateway *gateway = &r->config->gateway;
    *gateway = (struct config_gateway){
        .events = 10000,
        .limits =
            {
                .streams = 20000,
                .streams_per_address = 200,
                .streams_per_second = 20,
                .streams_burst = 200,
                .requests_per_second = 50,
                .requests_burst = 100,
                .header_bytes = 16 << 10,
                .body_bytes = 16 << 10,
                .request_timeout_ms = 10 * MS_PER_SECOND,
                .idle_timeout_ms = 30 * MS_PER_SECOND,
                .message_bytes = 16 << 10,
                .frames_per_second = 20,
                .frames_burst = 100,
                .waiting = 1000,
                .tiles = 100000,
                .channels = 1000,
            },
        .heartbeat_ms = 15 * MS_PER_SECOND,
        .stalled_ms = 30 * MS_PER_SECOND,
        .drain_ms = 5 * MS_PER_SECOND,
        .channel_log_bytes = 256 << 10,
    };
    parse_listen(STR("127.0.0.1:8080"), &gateway->listen);
}

int read_gateway(struct config_reader *r, const struct config_key *key,
                 const struct yaml_node *value, void *target)
{
    struct config *config = target;
    return read_section(r, key->name, value, keys, COUNT_OF(keys), &config->gateway);
}
