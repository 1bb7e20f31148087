/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/programs.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/replica/answer.h"
#include "ctl/connect/ports.h"
#include "ctl/peer/peer.h"

#define ASK_MS 1500

static const char tcp[] = "tcp://";

/* The address to connect to where that is listened on. The caller frees it. */
static char *reached_at(const char *bound)
{
    static const char *const any[] = {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        if (strncmp(bound, any[i], strlen(any[i])) == 0) {
            return x_asprintf("tcp://127.0.0.1:%s", bound + strlen(any[i]));
        }
    }
    return x_strdup(bound);
}

/* Pings. The result is that of peer_ask; what answered is said. */
static int ask(const struct ctl *ctl, const char *about, const char *query,
               const struct config_server *server, struct findings *out, struct error *err)
{
    char *address = reached_at(query);
    struct ctl other = *ctl;
    struct peer *peer = NULL;
    struct query_request request;
    const mp_value *reply;
    struct answer_ping ping = {0};
    other.query = address;
    other.server = *server;
    other.timeout_ms = ASK_MS;
    int status = peer_create(&other, &peer, err);
    if (status == STATUS_OK) {
        query_request_begin(&request, QUERY_OP_PING);
        status = peer_ask(peer, &request, &reply, err);
    }
    if (status == STATUS_OK && !answer_read_ping(reply, &ping)) {
        status = error_set(err, STATUS_INVALID, "%s answers, but is no program of Tilewire", query);
    }
    if (status == STATUS_OK) {
        finding_add(out, ping.serving ? FINDING_OK : FINDING_WARNING, about,
                    "%.*s answers at %s%s, version %.*s", (int)ping.role.len, ping.role.p, query,
                    ping.serving ? "" : " and does not serve yet (tilewire stats says why)",
                    (int)ping.version.len, ping.version.p);
    }
    peer_destroy(&peer);
    free(address);
    return status;
}

static enum port_state port_of(const char *address)
{
    const size_t len = strlen(tcp);
    return strncmp(address, tcp, len) == 0 ? port_try(str_of(address + len)) : PORT_ELSEWHERE;
}

/* An address that a program of this file listens at, if it runs here. */
static void try_publish(const char *about, const char *publish, bool answers, struct findings *out)
{
    const enum port_state state = port_of(publish);
    if (state == PORT_DENIED) {
        finding_add(out, FINDING_ERROR, about, "this user may not listen at %s", publish);
    } else if (state == PORT_USED && !answers) {
        finding_add(out, FINDING_WARNING, about,
                    "something else listens at %s: choose another port, or end that", publish);
    } else if (state == PORT_FREE) {
        finding_add(out, FINDING_OK, about, "%s is free to listen at", publish);
    }
}

static void try_program(const struct ctl *ctl, const char *about, const char *query,
                        const char *publish, enum config_client_role role, struct findings *out)
{
    const struct config_server server = {.role = role};
    const enum port_state state = port_of(query);
    struct error err = {{0}};
    bool answers = false;
    if (state == PORT_FREE) {
        finding_add(out, FINDING_OK, about, "nothing runs at %s, which is free to listen at",
                    query);
    } else if (state == PORT_DENIED) {
        finding_add(out, FINDING_ERROR, about, "this user may not listen at %s", query);
    } else {
        const int status = ask(ctl, about, query, &server, out, &err);
        answers = status == STATUS_OK;
        if (!answers) {
            finding_add(out, status == STATUS_DENIED ? FINDING_ERROR : FINDING_WARNING, about,
                        "%s listens at %s, but: %s",
                        state == PORT_USED ? "something" : "perhaps something", query, err.text);
        }
    }
    try_publish(about, publish, answers, out);
}

static void try_upstreams(const struct ctl *ctl, const char *about,
                          const struct config_upstreams *upstreams, struct findings *out)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        const struct config_upstream *upstream = &upstreams->list[i];
        struct error err = {{0}};
        if (port_of(upstream->query) == PORT_FREE) { /* of this machine, and it is not waited for */
            finding_add(out, FINDING_OK, about, "nothing runs at %s yet", upstream->query);
            continue;
        }
        const int status = ask(ctl, about, upstream->query, &upstream->server, out, &err);
        if (status != STATUS_OK) {
            finding_add(out, status == STATUS_AGAIN ? FINDING_WARNING : FINDING_ERROR, about, "%s",
                        err.text);
        }
    }
}

/* What that program says to a push of no events, which stores nothing. */
static void try_push(const struct ctl *ctl, const struct config_upstream *upstream,
                     struct findings *out)
{
    static const char about[] = "gateway.push";
    struct ctl other = *ctl;
    struct peer *peer = NULL;
    struct query_request request;
    const mp_value *reply = NULL;
    struct error err = {{0}};
    struct answer_error answer = {.code = STR("")};
    other.query = upstream->query;
    other.server = upstream->server;
    other.timeout_ms = ASK_MS;
    int status = peer_create(&other, &peer, &err);
    if (status == STATUS_OK) {
        query_request_begin(&request, QUERY_OP_PUSH);
        mp_put_array(query_request_member(&request, QUERY_ARG_EVENTS), 0);
        status = peer_ask(peer, &request, &reply, &err);
    }
    if (status == STATUS_IO && reply != NULL) {
        (void)answer_read_error(reply, &answer);
    }
    if (str_is(answer.code, ANSWER_BAD_REQUEST)) {
        finding_add(out, FINDING_OK, about, "the ingestor at %s takes events", upstream->query);
    } else if (str_is(answer.code, ANSWER_DENIED)) {
        finding_add(out, FINDING_OK, about,
                    "the ingestor at %s takes events, but none from the pair of keys that this "
                    "command has; look whether its clients file has `push` for gateways",
                    upstream->query);
    } else if (str_is(answer.code, ANSWER_UNAVAILABLE)) {
        finding_add(out, FINDING_OK, about, "the ingestor at %s takes no events now: %s",
                    upstream->query, err.text);
    } else {
        finding_add(out, status == STATUS_AGAIN ? FINDING_WARNING : FINDING_ERROR, about,
                    answer.code.len != 0 ? "%s: %s" : "%.0s%s", upstream->query, err.text);
    }
    peer_destroy(&peer);
}

static void try_pushing(const struct ctl *ctl, struct findings *out)
{
    const struct config_upstreams *ingestors = &ctl->config->gateway.push;
    for (size_t i = 0; i < ingestors->count; i++) {
        if (port_of(ingestors->list[i].query) == PORT_FREE) {
            finding_add(out, FINDING_OK, "gateway.push", "nothing runs at %s yet",
                        ingestors->list[i].query);
        } else {
            try_push(ctl, &ingestors->list[i], out);
        }
    }
}

void connect_try_programs(const struct ctl *ctl, struct findings *out)
{
    const struct config *config = ctl->config;
    struct config_curve_pair keys;
    struct error err = {{0}};
    if (config->curve.enabled && config_curve_keys(config, &keys, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, "curve", "%s", err.text);
        return; /* nobody can be asked */
    }
    explicit_bzero(&keys, sizeof keys);
    if (config->has_source) {
        try_program(ctl, "ingestor", config->ingestor.query, config->ingestor.publish,
                    CONFIG_CLIENT_INGESTOR, out);
    }
    try_upstreams(ctl, "cache.upstreams", &config->cache.upstreams, out);
    try_program(ctl, "cache", config->cache.query, config->cache.publish, CONFIG_CLIENT_CACHE, out);
    try_upstreams(ctl, "gateway.upstreams", &config->gateway.upstreams, out);
    try_pushing(ctl, out);
}
