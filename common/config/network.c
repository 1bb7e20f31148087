/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/network.h"

#include <string.h>

#include "common/config/file/values.h"

/* Reads a ZeroMQ address: as text, and taken apart. */
static int read_endpoint(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, struct str *text,
                         struct config_endpoint *out)
{
    const int status = config_scalar(r, value, key->name, "tcp://HOST:PORT or ipc:///PATH", text);
    if (status != STATUS_OK) {
        return status;
    }
    const char *expected = config_endpoint_parse(*text, out);
    return expected == NULL ? STATUS_OK : config_expected(r, value, key->name, expected);
}

int config_read_bind(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    struct str text;
    struct config_endpoint endpoint;
    const int status = read_endpoint(r, key, value, &text, &endpoint);
    if (status != STATUS_OK) {
        return status;
    }
    if (!endpoint.ipc && !endpoint.wildcard && !endpoint.numeric) {
        return config_expected(
            r, value, key->name,
            "an IP address of this machine to bind to (127.0.0.1 for this machine alone), or *");
    }
    *(const char **)config_member(target, key) = config_copy(r, text);
    return STATUS_OK;
}

static int read_connect(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct str text;
    struct config_endpoint endpoint;
    const int status = read_endpoint(r, key, value, &text, &endpoint);
    if (status != STATUS_OK) {
        return status;
    }
    if (endpoint.wildcard || (endpoint.numeric && ip_is_any(&endpoint.ip))) {
        return config_expected(r, value, key->name, "the address of one machine to connect to");
    }
    *(const char **)config_member(target, key) = config_copy(r, text);
    return STATUS_OK;
}

int config_read_curve_key(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    if (value->kind != YAML_SCALAR || !config_curve_key_valid(value->text)) {
        return config_expected(r, value, key->name,
                               "a public key of 40 characters, as `tilewire keygen` prints it, "
                               "in quotes");
    }
    *(const char **)config_member(target, key) = config_copy(r, value->text);
    return STATUS_OK;
}

static const struct config_key upstream_rows[] = {
    {CONFIG_MEMBER("publish", read_connect, struct config_upstream, publish),
     .needed = "publish: tcp://127.0.0.1:7401",
     .help = "The address where the upstream publishes deltas."},
    {CONFIG_MEMBER("query", read_connect, struct config_upstream, query),
     .needed = "query: tcp://127.0.0.1:7402",
     .help = "The address where the upstream answers queries."},
    {CONFIG_TEXT("server", struct config_upstream, server.name, CONFIG_CLIENT_NAME_MAX),
     .default_words = "the only one of its role",
     .help = "The name, in `curve.clients_file`, of whom this upstream must prove to be."},
    {CONFIG_CURVE_KEY("server_key", struct config_upstream, server.key),
     .default_words = "`curve.server_key`",
     .help = "The public key with which this upstream must identify itself."},
};
const struct config_table config_upstream_table = CONFIG_TABLE(upstream_rows);

/* Without the first row, of `publish`. */
const struct config_table config_server_table = {upstream_rows + 1, COUNT_OF(upstream_rows) - 1};

static int read_list(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target, bool publish)
{
    struct config_upstreams *upstreams = config_member(target, key);
    int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    upstreams->list = arena_array(r->memory, value->count, sizeof *upstreams->list);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        struct config_upstream *upstream = &upstreams->list[upstreams->count++];
        status = config_read_section(
            r, key->name, node, publish ? &config_upstream_table : &config_server_table, upstream);
        if (status == STATUS_OK &&
            ((publish && upstream->publish == NULL) || upstream->query == NULL)) {
            status =
                config_fail(r, node, key->name,
                            publish ? "an upstream needs both addresses: {publish: …, query: …}"
                                    : "an ingestor needs its address: {query: …}");
        }
        if (status == STATUS_OK && upstream->server.name != NULL && upstream->server.key != NULL) {
            status =
                config_fail(r, node, key->name, "server and server_key say the same: drop one");
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

int config_read_upstreams(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    return read_list(r, key, value, target, true);
}

int config_read_servers(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    return read_list(r, key, value, target, false);
}

/* Where a program on the same machine connects to reach what is bound to `bind`. */
static const char *connect_address(struct config_reader *r, const char *bind)
{
    struct config_endpoint endpoint;
    if (config_endpoint_parse(str_of(bind), &endpoint) != NULL || endpoint.ipc ||
        (!endpoint.wildcard && !ip_is_any(&endpoint.ip))) {
        return bind;
    }
    const bool v6 = !endpoint.wildcard && memchr(endpoint.host.p, ':', endpoint.host.len) != NULL;
    return arena_printf(r->memory, "tcp://%s:%u", v6 ? "[::1]" : "127.0.0.1", endpoint.port);
}

void config_default_upstreams(struct config_reader *r, struct config_upstreams *upstreams,
                              const char *publish, const char *query, enum config_client_role role)
{
    if (upstreams->count == 0) {
        upstreams->list = arena_array(r->memory, 1, sizeof *upstreams->list);
        upstreams->count = 1;
        upstreams->list[0].publish = connect_address(r, publish);
        upstreams->list[0].query = connect_address(r, query);
    }
    for (size_t i = 0; i < upstreams->count; i++) {
        upstreams->list[i].server.role = role;
    }
}

/* ---- rules that span sections ---- */

/* The node of section.key; the section, or the whole file, where there is none. */
static const struct yaml_node *place(const struct yaml_node *root, const char *section,
                                     const char *key)
{
    const struct yaml_node *outer = yaml_get(root, section);
    const struct yaml_node *inner = yaml_get(outer, key);
    return inner != NULL ? inner : outer != NULL ? outer : root;
}

/* True when nothing that is said there leaves the machine, or keys protect it, or need not. */
static bool may_reach(const struct config *config, const char *address)
{
    struct config_endpoint endpoint;
    return config->insecure || config->curve.enabled ||
           config_endpoint_parse(str_of(address), &endpoint) != NULL || endpoint.ipc ||
           str_is(endpoint.host, "localhost") || (endpoint.numeric && ip_is_loopback(&endpoint.ip));
}

int config_check_reach(const struct config *config, const char *address, struct error *err)
{
    if (may_reach(config, address)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_DENIED,
                     "%.200s is another machine, and there are no keys: name a configuration that "
                     "has some under `curve`, or permit it with `insecure: true` (--insecure)",
                     address);
}

struct binding {
    const char *section;
    const char *key;
    const char *address;
};

static int check_bind(struct config_reader *r, const struct yaml_node *root,
                      const struct binding *b)
{
    if (may_reach(r->config, b->address)) {
        return STATUS_OK;
    }
    return config_fail(r, place(root, b->section, b->key), NULL,
                       "%s.%s: other machines can reach %s, and there are no keys: bind to "
                       "127.0.0.1, or set up keys under `curve`, or permit it with `insecure: "
                       "true`",
                       b->section, b->key, b->address);
}

/* What is wrong with the keys that an upstream is to prove, if anything. */
static int check_server(struct config_reader *r, const struct yaml_node *at, const char *list,
                        const struct config_server *server)
{
    struct error why = {{0}};
    const char *key;
    if (server->key == NULL && server->name == NULL) {
        return STATUS_OK;
    }
    if (!r->config->curve.enabled) {
        return config_fail(r, at, NULL, "%s: %s needs keys of our own: set them up under `curve`",
                           list, server->key != NULL ? "server_key" : "server");
    }
    if (config_server_key(r->config, server, &key, &why) != STATUS_OK) {
        return config_fail(r, at, NULL, "%s: %s", list, why.text);
    }
    return STATUS_OK;
}

static int check_upstreams(struct config_reader *r, const struct yaml_node *root,
                           const char *section, const char *key,
                           const struct config_upstreams *upstreams)
{
    const struct yaml_node *at = place(root, section, key);
    const char *list = arena_printf(r->memory, "%s.%s", section, key);
    int status = STATUS_OK;
    for (size_t i = 0; i < upstreams->count && status == STATUS_OK; i++) {
        const struct config_upstream *upstream = &upstreams->list[i];
        const char *addresses[] = {upstream->publish, upstream->query};
        status = check_server(r, at, list, &upstream->server);
        for (size_t j = 0; j < COUNT_OF(addresses) && status == STATUS_OK; j++) {
            if (addresses[j] != NULL && !may_reach(r->config, addresses[j])) {
                status =
                    config_fail(r, at, NULL,
                                "%s: %s is another machine, and there are no keys, "
                                "so anybody in between could read and change what it says: "
                                "set up keys under `curve`, or permit it with `insecure: true`",
                                list, addresses[j]);
            }
        }
    }
    return status;
}

int config_check_network(struct config_reader *r, const struct yaml_node *root)
{
    const struct config *config = r->config;
    const struct binding bindings[] = {
        {"ingestor", "publish", config->ingestor.publish},
        {"ingestor", "query", config->ingestor.query},
        {"cache", "publish", config->cache.publish},
        {"cache", "query", config->cache.query},
    };
    int status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(bindings) && status == STATUS_OK; i++) {
        status = check_bind(r, root, &bindings[i]);
        for (size_t j = 0; j < i && status == STATUS_OK; j++) {
            if (strcmp(bindings[i].address, bindings[j].address) == 0) {
                status = config_fail(r, place(root, bindings[i].section, bindings[i].key), NULL,
                                     "%s.%s: %s is the address of %s.%s already",
                                     bindings[i].section, bindings[i].key, bindings[i].address,
                                     bindings[j].section, bindings[j].key);
            }
        }
    }
    if (status == STATUS_OK) {
        status = check_upstreams(r, root, "cache", "upstreams", &config->cache.upstreams);
    }
    if (status == STATUS_OK) {
        status = check_upstreams(r, root, "gateway", "upstreams", &config->gateway.upstreams);
    }
    if (status == STATUS_OK) {
        status = check_upstreams(r, root, "gateway", "push", &config->gateway.push);
    }
    return status;
}
