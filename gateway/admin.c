/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin.h"

#include "common/program/log.h"
#include "gateway/api/admin.h"
#include "gateway/http/server.h"
#include "gateway/limits.h"

/* Connections at once; of the descriptors that are left for all else. One that is idle ends when it
 * gets tight. */
#define CONNECTIONS 16

/* Where to listen: text is NULL for nowhere. */
static int find_address(const struct gateway *gateway, struct config_listen_address *out,
                        struct error *err)
{
    *out = gateway->config->gateway.admin_listen;
    return gateway->program->admin_listen != NULL
               ? config_parse_listen(gateway->program->admin_listen, out, err)
               : STATUS_OK;
}

int admin_create(struct gateway *gateway, struct error *err)
{
    const struct config_gateway *config = &gateway->config->gateway;
    const struct http_api api = {.answer = api_admin_answer, .arg = &gateway->api};
    struct http_config http = {
        .connections = gateway_connections(gateway),
        .limits = &config->limits,
        .stalled_ms = config->stalled_ms,
        .alone = true,
        .socket_mode = config->socket_mode,
        .turn = &gateway->turn,
    };
    int status = find_address(gateway, &http.listen, err);
    if (status != STATUS_OK || http.listen.text == NULL) {
        return status;
    }
    http.connections.max = CONNECTIONS;
    http.hosts = gateway_hosts(gateway, &http.listen);
    status = http_create(&http, &api, &gateway->admin, err);
    if (status == STATUS_OK) {
        status = http_start(gateway->admin, err);
    }
    if (status == STATUS_OK) {
        log_info("metrics and health are told at %s, and no metrics elsewhere", http.listen.text);
    }
    return status;
}

void admin_run(struct gateway *gateway)
{
    if (gateway->admin != NULL) {
        http_run(gateway->admin);
    }
}

void admin_sweep(struct gateway *gateway)
{
    if (gateway->admin != NULL) {
        http_sweep(gateway->admin);
        http_relieve(gateway->admin);
    }
}

int admin_wait_ms(const struct gateway *gateway, int max_ms)
{
    return gateway->admin != NULL ? http_wait_ms(gateway->admin, max_ms) : max_ms;
}
