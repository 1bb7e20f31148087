/* SPDX-License-Identifier: Apache-2.0 */
/* The `gateway` section: where browsers connect, whom it follows, and its limits. */
#include <string.h>

#include "common/config/file/values.h"
#include "common/config/network.h"
#include "common/config/sections/section.h"

#define UNIX "unix:"
#define SOCKET_PATH_MAX 107 /* bytes, without the NUL: what struct sockaddr_un has room for */

/* Returns NULL, or what was expected. *out borrows the text, which is NUL-terminated. */
static const char *parse_listen(struct str text, struct config_listen_address *out)
{
    struct config_endpoint endpoint;
    if (text.len >= strlen(UNIX) && memcmp(text.p, UNIX, strlen(UNIX)) == 0) {
        const char *path = text.p + strlen(UNIX);
        *out = (struct config_listen_address){.text = text.p, .path = path};
        return path[0] == '/' && strlen(path) <= SOCKET_PATH_MAX
                   ? NULL
                   : "unix: and a path of at most 107 bytes that begins with a slash, such as "
                     "unix:/run/tilewire/gateway.sock";
    }
    const char *expected = config_host_port_parse(text, &endpoint);
    if (expected != NULL) {
        return expected;
    }
    if (!endpoint.wildcard && !endpoint.numeric) {
        return "an IP address of this machine before the port (127.0.0.1 for this machine alone), "
               "or *";
    }
    *out = (struct config_listen_address){
        .text = text.p,
        .ip = endpoint.ip,
        .any = endpoint.wildcard,
        .ipv6 = endpoint.wildcard || memchr(endpoint.host.p, ':', endpoint.host.len) != NULL,
        .port = endpoint.port,
    };
    return NULL;
}

int config_parse_listen(const char *text, struct config_listen_address *out, struct error *err)
{
    const char *expected = parse_listen(str_of(text), out);
    if (expected != NULL) {
        return error_set(err, STATUS_INVALID, "%s: expected %s", text, expected);
    }
    return STATUS_OK;
}

static int read_address(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, struct config_listen_address *out)
{
    struct str text;
    const int status = config_scalar(r, value, key->name, "ADDRESS:PORT or unix:/PATH", &text);
    if (status != STATUS_OK) {
        return status;
    }
    const struct str copy = str_of(config_copy(r, text));
    const char *expected = parse_listen(copy, out);
    return expected != NULL ? config_expected(r, value, key->name, expected) : STATUS_OK;
}

static int read_listen(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    return read_address(r, key, value, &gateway->listen);
}

static int read_admin_listen(struct config_reader *r, const struct config_key *key,
                             const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    return read_address(r, key, value, &gateway->admin_listen);
}

static int read_socket_mode(struct config_reader *r, const struct config_key *key,
                            const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    static const struct {
        const char *word;
        unsigned mode;
    } modes[] = {{"0600", 0600}, {"0660", 0660}, {"0666", 0666}};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (value->kind == YAML_SCALAR && str_is(value->text, modes[i].word)) {
            gateway->socket_mode = modes[i].mode;
            return STATUS_OK;
        }
    }
    return config_expected(r, value, key->name,
                           "0600 (its owner may connect), 0660 (its group, too) or 0666 (everybody "
                           "on this machine)");
}

static int read_trusted_proxies(struct config_reader *r, const struct config_key *key,
                                const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
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

/* True for a name, an IPv4 address, or an IPv6 address in brackets. */
static bool host_valid(struct str text)
{
    struct ip ip;
    if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']') {
        const struct str inner = {text.p + 1, text.len - 2};
        return memchr(inner.p, ':', inner.len) != NULL && ip_parse(inner, &ip);
    }
    return text.len != 0 && text.len <= 253 &&
           strspn(text.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
               text.len;
}

static int read_hosts(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    gateway->hosts = arena_array(r->memory, value->count, sizeof *gateway->hosts);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind == YAML_SCALAR && str_is(node->text, "*")) {
            gateway->hosts_any = true;
            continue;
        }
        if (node->kind != YAML_SCALAR || !host_valid(node->text)) {
            return config_expected(r, node, key->name,
                                   "a name or an address without a port, such as tiles.example.org "
                                   "or \"[fd00::5]\", or \"*\"");
        }
        gateway->hosts[gateway->host_count++] = config_copy(r, node->text);
    }
    return STATUS_OK;
}

static const struct config_key limit_rows[] = {
    {CONFIG_COUNT("streams", struct config_gateway_limits, streams, 1, 1000000),
     .default_value = "20000", .help = "Streams that are open at once in one process."},
    {CONFIG_COUNT("streams_per_address", struct config_gateway_limits, streams_per_address, 1,
                  1000000),
     .default_value = "200", .help = "Streams that are open at once from one client address."},
    {CONFIG_RATE("streams_per_second", struct config_gateway_limits, streams_per_second, 1000000),
     .default_value = "20",
     .help = "New streams per client address in the long run; it may be a fraction."},
    {CONFIG_COUNT("streams_burst", struct config_gateway_limits, streams_burst, 1, 1000000),
     .default_value = "200", .help = "New streams per client address at once."},
    {CONFIG_RATE("requests_per_second", struct config_gateway_limits, requests_per_second, 1000000),
     .default_value = "50",
     .help = "Requests per client address in the long run; it may be a fraction."},
    {CONFIG_COUNT("requests_burst", struct config_gateway_limits, requests_burst, 1, 1000000),
     .default_value = "100", .help = "Requests per client address at once."},
    {CONFIG_DURATION("work_per_second", struct config_gateway_limits, work_per_second_ms, 1,
                     MS_PER_HOUR),
     .default_value = "100ms",
     .help = "The time that the gateway works for one client address in each second."},
    {CONFIG_SIZE("header", struct config_gateway_limits, header_bytes, 1 << 10, 1 << 20),
     .default_value = "16KiB", .help = "The size of a request's line and headers."},
    {CONFIG_SIZE("body", struct config_gateway_limits, body_bytes, 0, 1 << 20),
     .default_value = "16KiB", .help = "The size of a request's body."},
    {CONFIG_SIZE("push", struct config_gateway_limits, push_bytes, 1 << 10, 1 << 20),
     .default_value = "256KiB", .help = "The size of a body with events that are pushed."},
    {CONFIG_SIZE("answer", struct config_gateway_limits, answer_bytes, 64 << 10, INT64_C(2) << 30),
     .default_value = "64MiB", .help = "The size of an answer."},
    {CONFIG_SIZE("answers", struct config_gateway_limits, answers_bytes, 1 << 20,
                 INT64_C(64) << 30),
     .default_value = "256MiB",
     .help = "The size of all answers that their clients have not taken yet."},
    {CONFIG_DURATION("request_timeout", struct config_gateway_limits, request_timeout_ms,
                     MS_PER_SECOND, 10 * MS_PER_MINUTE),
     .default_value = "10s",
     .help =
         "The time that a request may take to arrive, from its first line to the end of its body."},
    {CONFIG_DURATION("idle_timeout", struct config_gateway_limits, idle_timeout_ms, MS_PER_SECOND,
                     MS_PER_HOUR),
     .default_value = "30s",
     .help = "The time after which a connection without a request is closed."},
    {CONFIG_SIZE("message", struct config_gateway_limits, message_bytes, 1 << 10, 128 << 10),
     .default_value = "16KiB",
     .help = "The size of a message that a [WebSocket](websocket.md)'s client sends."},
    {CONFIG_COUNT("frames_per_second", struct config_gateway_limits, frames_per_second, 1, 1000),
     .default_value = "20", .help = "Frames that a WebSocket's client sends, in the long run."},
    {CONFIG_COUNT("frames_burst", struct config_gateway_limits, frames_burst, 1, 100000),
     .default_value = "100", .help = "Frames that a WebSocket's client sends at once."},
    {CONFIG_COUNT("waiting", struct config_gateway_limits, waiting, 1, 1000000),
     .default_value = "1000", .help = "Requests with `wait` that are open at once."},
    {CONFIG_COUNT("tiles", struct config_gateway_limits, tiles, 1, CONFIG_HELD_MAX),
     .default_value = "100000", .help = "Tiles that are held at once."},
    {CONFIG_COUNT("channels", struct config_gateway_limits, channels, 1, 100000),
     .default_value = "100000", .help = "Different selections that have an open stream."},
    {CONFIG_COUNT("series", struct config_gateway_limits, series, 1, 1000000),
     .default_value = "10000",
     .help = "Series in an answer of [`/metrics/tiles`](monitoring.md#values-of-tiles)."},
};
static const struct config_table limits_table = CONFIG_TABLE(limit_rows);

/* 0 stands for no limit. An age below a second would only make clients spin. */
static int read_stream_age(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    const int status = config_read_duration(r, key, value, target);
    if (status == STATUS_OK && gateway->max_stream_age_ms > 0 &&
        gateway->max_stream_age_ms < MS_PER_SECOND) {
        return config_expected(r, value, key->name, "0 (no limit), or at least 1s");
    }
    return status;
}

/* An address to which a page may link: no "javascript:". */
static int read_sign_in_url(struct config_reader *r, const struct config_key *key,
                            const struct yaml_node *value, void *target)
{
    const char *const *url = config_member(target, key);
    const int status = config_read_text(r, key, value, target);
    if (status == STATUS_OK && strncmp(*url, "https://", 8) != 0 &&
        strncmp(*url, "http://", 7) != 0 && ((*url)[0] != '/' || (*url)[1] == '/')) {
        return config_expected(r, value, key->name,
                               "an address such as https://login.example.org/start, or a path such "
                               "as /oauth2/start");
    }
    return status;
}

/* Nothing that a client could write in another way (RFC 3986, unreserved): it is compared as it
 * stands. */
static bool is_base_path(const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~.";
    while (*path == '/') {
        const size_t len = strspn(path + 1, plain);
        if (len == 0 || path[1] == '.') {
            return false;
        }
        path += 1 + len;
    }
    return *path == '\0';
}

static int read_base_path(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    const char *const *path = config_member(target, key);
    const int status = config_read_text(r, key, value, target);
    if (status == STATUS_OK && !is_base_path(*path)) {
        return config_expected(r, value, key->name,
                               "a path without a slash at its end, such as /tilewire, of letters, "
                               "digits and - _ ~ .");
    }
    return status;
}

static const char *const audit_words[] = {"auto", "none", "refused", "all", NULL};
static const char *const auth_words[] = {"none", "proxy", "jwt", NULL};

static const struct config_key rows[] = {
    {CONFIG_CUSTOM("listen", read_listen), .default_value = "127.0.0.1:8080",
     .help =
         "The `ADDRESS:PORT` where browsers connect, or `unix:/PATH` for a proxy on this machine; "
         "`*:8080` is all addresses of this machine."},
    {CONFIG_CUSTOM("admin_listen", read_admin_listen), .default_words = "none",
     .help = "The `ADDRESS:PORT` or `unix:/PATH` where `/metrics` is, for operators, with "
             "`/healthz` and `/readyz`."},
    {CONFIG_CUSTOM("socket_mode", read_socket_mode), .default_value = "0660",
     .help = "Who may connect to sockets that are files: `0600` its owner, `0660` its group, too, "
             "`0666` everybody on this machine."},
    {CONFIG_UPSTREAMS("upstreams", struct config_gateway, upstreams),
     .default_words = "the cache of this file",
     .help = "A list of those whom the gateway follows, in order of preference."},
    {CONFIG_MEASURED("push", config_read_servers, struct config_gateway, push, CONFIG_ENTRIES, 1,
                     CONFIG_UPSTREAMS_MAX),
     .default_words = "none: nothing can be pushed",
     .help = "A list of the ingestors that store events which are pushed to the gateway."},
    {CONFIG_COUNT("events", struct config_gateway, events, 1, CONFIG_EVENTS_MAX),
     .default_value = "10000",
     .help = "The number of raw events that are kept in memory, which is how far back "
             "`Last-Event-ID` can resume."},
    {CONFIG_SIZE("events_memory", struct config_gateway, events_memory_bytes, 1 << 20,
                 CONFIG_EVENTS_MEMORY_MAX),
     .default_value = "64MiB",
     .help = "The memory that raw events may take, with their renderings; the oldest leave."},
    {CONFIG_SECTION("limits", struct config_gateway, limits, limits_table),
     .help = "What one gateway and one client may use."},
    {CONFIG_LIST("trusted_proxies", read_trusted_proxies, CONFIG_PROXIES_MAX),
     .help = "A list of addresses and ranges (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` or "
             "`Forwarded` says who the client is."},
    {CONFIG_LIST("hosts", read_hosts, CONFIG_HOSTS_MAX),
     .default_words = "those of the loopback when it listens there, otherwise `\"*\"`",
     .help = "A list of the names and addresses under which browsers ask, such as "
             "`tiles.example.org`, or `\"*\"` for all."},
    {CONFIG_LIST("cors_origins", config_read_cors_origins, CONFIG_ORIGINS_MAX),
     .help = "A list of other origins whose pages may read, such as `https://ops.example.org`, or "
             "`\"*\"` for all."},
    {CONFIG_LIST("roles", config_read_roles, CONFIG_ROLES_MAX), .table = &config_role_table,
     .help = "What the members of each group may see."},
    {CONFIG_LIST("frame_ancestors", config_read_frame_ancestors, CONFIG_ORIGINS_MAX),
     .help = "A list of other origins whose pages may show the dashboard in a frame, such as "
             "`https://wiki.example.org`, or `\"*\"` for all."},
    {CONFIG_LIST("views", config_read_views, CONFIG_VIEWS_MAX),
     .help = "Views of the dashboard by their names: what stands behind the `?` of an address."},
    {CONFIG_CHOICE("auth", struct config_gateway, auth), .choices = auth_words,
     .default_value = "none",
     .help = "How clients say who they are: with a token (`jwt`), through a proxy that knows them "
             "(`proxy`), or not at all."},
    {CONFIG_CHOICE("audit", struct config_gateway, audit), .choices = audit_words,
     .default_value = "auto",
     .help = "Which requests for data get a line in the log that says who was given what: all, "
             "those that were refused, or none."},
    {CONFIG_SECTION("jwt", struct config_gateway, jwt, config_gateway_jwt_table),
     .help = "Whose tokens are accepted."},
    {CONFIG_SECTION("proxy", struct config_gateway, proxy, config_gateway_proxy_table),
     .help = "In which headers the proxy says who the clients are."},
    {CONFIG_MEASURED("sign_in_url", read_sign_in_url, struct config_gateway, sign_in_url,
                     CONFIG_LENGTH, 1, 2048),
     .help = "Where a person signs in: an address or a path, to which the dashboard links."},
    {CONFIG_MEASURED("base_path", read_base_path, struct config_gateway, base_path, CONFIG_LENGTH,
                     2, 256),
     .help = "The path under which a proxy passes requests on as they came, such as `/tilewire`: "
             "all that the gateway serves is there, too."},
    {CONFIG_DURATION("heartbeat", struct config_gateway, heartbeat_ms, 100, 5 * MS_PER_MINUTE),
     .default_value = "15s", .help = "How often a stream gets a `heartbeat` event."},
    {CONFIG_DURATION("stalled", struct config_gateway, stalled_ms, 100, MS_PER_HOUR),
     .default_value = "30s",
     .help = "A stream is cut when its client accepts nothing for so long."},
    {CONFIG_DURATION("drain", struct config_gateway, drain_ms, 0, 5 * MS_PER_MINUTE),
     .default_value = "5s",
     .help = "When the gateway ends (SIGTERM), it closes its streams evenly over this "
             "time."},
    {CONFIG_MEASURED("max_stream_age", read_stream_age, struct config_gateway, max_stream_age_ms,
                     CONFIG_MS, 0, 30 * MS_PER_DAY),
     .range = "at least 1s unless `0`", .default_value = "0",
     .help = "Streams are ended at 80 to 100 % of that age; `0` means never."},
    {CONFIG_SIZE("channel_log", struct config_gateway, channel_log_bytes, 16 << 10, 256 << 20),
     .default_value = "256KiB", .help = "The memory of each channel for streams that are behind."},
    {CONFIG_BOOL("compress_streams", struct config_gateway, compress_streams),
     .default_value = "true",
     .help = "Server-sent events are compressed for clients that accept gzip."},
};
const struct config_table config_gateway_table = CONFIG_TABLE(rows);
