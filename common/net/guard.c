/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/guard.h"

#include <assert.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/base/xalloc.h"
#include "common/net/curve.h"
#include "common/net/disconnect.h"
#include "common/net/few_lines.h"
#include "common/net/guests.h"
#include "common/net/handshakes.h"
#include "common/net/sockets.h"
#include "common/net/zap.h"
#include "common/program/log.h"

struct watched {
    void *socket; /* borrowed */
    void *handshakes;
};

struct guard {
    void *socket; /* a REP that libzmq asks; NULL when there are no keys */
    struct guests guests;
    struct watched watched[GUARD_SOCKETS_MAX];
    size_t count;  /* of them */
    bool has_file; /* whether curve.clients_file is set */
    struct few_lines lines;
    struct guard_counters counters;
    struct buf frames[ZAP_REQUEST_FRAMES]; /* of the last request */
};

static int set_guests(struct guard *guard, const struct config *config, bool *lost,
                      struct error *err)
{
    const struct config_curve *curve = &config->curve;
    char own[CONFIG_CURVE_KEY_SIZE];
    const int status = curve->clients_file == NULL ? curve_own_key(config, own, err) : STATUS_OK;
    if (status == STATUS_OK) {
        guard->has_file = curve->clients_file != NULL;
        *lost = guests_set(&guard->guests, &curve->clients, guard->has_file ? NULL : own);
    }
    return status;
}

int guard_create(const struct config *config, struct guard **out, struct error *err)
{
    struct guard *guard = x_calloc(1, sizeof *guard);
    bool lost;
    int status = STATUS_OK;
    *out = guard;
    if (config->curve.enabled) {
        status = set_guests(guard, config, &lost, err);
    }
    if (config->curve.enabled && status == STATUS_OK) {
        guard->socket = socket_bind_within(ZMQ_REP, ZAP_ADDRESS, err);
        status = guard->socket != NULL ? STATUS_OK : STATUS_IO;
    }
    if (status != STATUS_OK) {
        guard_destroy(out);
    }
    return status;
}

void guard_watch(struct guard *guard, void *socket)
{
    assert(guard->count < GUARD_SOCKETS_MAX);
    struct watched *watched = &guard->watched[guard->count++];
    watched->socket = socket;
    watched->handshakes = guard->socket != NULL ? handshakes_watch(socket) : NULL;
}

void guard_destroy(struct guard **guard_p)
{
    struct guard *guard = *guard_p;
    if (guard == NULL) {
        return;
    }
    for (size_t i = 0; i < guard->count; i++) {
        if (guard->watched[i].handshakes != NULL) {
            socket_monitor_close(guard->watched[i].socket, &guard->watched[i].handshakes);
        }
    }
    socket_close(&guard->socket);
    guests_free(&guard->guests);
    for (size_t i = 0; i < ZAP_REQUEST_FRAMES; i++) {
        buf_free(&guard->frames[i]);
    }
    free(guard);
    *guard_p = NULL;
}

void *guard_socket(const struct guard *guard)
{
    return guard->socket;
}

static unsigned right_of(struct str domain)
{
    return str_is(domain, CURVE_DOMAIN_PUBLISH) ? CONFIG_MAY_SUBSCRIBE
           : str_is(domain, CURVE_DOMAIN_QUERY) ? CONFIG_MAY_QUERY
                                                : 0;
}

static void log_refusal(struct guard *guard, const struct zap_request *request, const char *key,
                        const char *name, mono_time now)
{
    uint64_t left_out = 0;
    char others[64] = "";
    if (!few_lines_allow(&guard->lines, str_of(key), now, &left_out)) {
        return;
    }
    if (left_out != 0) {
        snprintf(others, sizeof others, " (and %llu further refusals)",
                 (unsigned long long)left_out);
    }
    const struct str from = request->address.len != 0 ? request->address : STR("this machine");
    if (name != NULL) {
        log_warn("refused %s, from %.*s: by the clients file it may not %s%s", name, (int)from.len,
                 from.p, str_is(request->domain, CURVE_DOMAIN_QUERY) ? "query" : "subscribe",
                 others);
    } else if (guard->has_file) {
        log_warn("refused a client from %.*s: nobody has its key %s in the clients file; if it may "
                 "connect, add it there, and send SIGHUP%s",
                 (int)from.len, from.p, key, others);
    } else {
        log_warn("refused a client from %.*s: its key %s is not our own; if it may connect, name "
                 "it in a file, and that as curve.clients_file%s",
                 (int)from.len, from.p, key, others);
    }
}

/* Whether the client may connect, with its key; else that is counted and logged. */
static bool admit(struct guard *guard, const struct zap_request *request,
                  char key[CONFIG_CURVE_KEY_SIZE], mono_time now)
{
    const char *name = NULL;
    zmq_z85_encode(key, request->key, ZAP_KEY_BYTES);
    if (guests_admit(&guard->guests, key, right_of(request->domain), &name) == GUESTS_WELCOME) {
        guard->counters.admitted++;
        return true;
    }
    guard->counters.refused++;
    log_refusal(guard, request, key, name, now);
    return false;
}

void guard_process(struct guard *guard, mono_time now, unsigned budget)
{
    for (unsigned i = 0; i < budget; i++) {
        const int count =
            socket_receive(guard->socket, guard->frames, ZAP_REQUEST_FRAMES, ZAP_REQUEST_MAX);
        if (count == 0) {
            return;
        }
        struct str frames[ZAP_REQUEST_FRAMES];
        for (int j = 0; j < count; j++) {
            frames[j] = buf_str(&guard->frames[j]);
        }
        struct zap_request request = {.id = STR("")};
        const bool known = count > 0 && zap_read(frames, (size_t)count, &request);
        char key[CONFIG_CURVE_KEY_SIZE];
        const bool welcome = known && admit(guard, &request, key, now);
        struct str reply[ZAP_REPLY_FRAMES];
        zap_reply(&request, welcome ? key : NULL, reply);
        guard->counters.refused += !known;
        (void)socket_send(guard->socket, reply, ZAP_REPLY_FRAMES);
    }
}

void guard_count_broken(struct guard *guard, mono_time now)
{
    uint64_t left_out = 0;
    bool broken = false;
    for (size_t i = 0; i < guard->count; i++) {
        enum handshake failure;
        while ((failure = handshakes_next(guard->watched[i].handshakes)) != HANDSHAKE_NONE) {
            const bool asked = failure == HANDSHAKE_REFUSED; /* and so counted already */
            guard->counters.broken += !asked;
            broken = broken || !asked;
        }
    }
    if (broken && few_lines_allow(&guard->lines, STR("broken"), now, &left_out)) {
        log_warn("refused a client that proved no key: it has none, or expects another one here");
    }
}

int guard_change(struct guard *guard, const struct config *config, struct error *err)
{
    bool lost = false;
    if (guard->socket == NULL || !config->curve.enabled) {
        return STATUS_OK;
    }
    int status = set_guests(guard, config, &lost, err);
    if (lost) {
        log_info("somebody may do less than before: all connections are ended, and who may connect "
                 "comes back");
    }
    for (size_t i = 0; i < guard->count && lost; i++) {
        const int ended = disconnect_all(guard->watched[i].socket, err);
        status = ended == STATUS_OK ? status : ended;
    }
    return status;
}

bool guard_may_push(const struct guard *guard, const char *key)
{
    return guard->socket == NULL || guests_may(&guard->guests, key, CONFIG_MAY_PUSH);
}

bool guard_may_silence(const struct guard *guard, const char *key)
{
    return guard->socket == NULL || guests_may(&guard->guests, key, CONFIG_MAY_SILENCE);
}

const struct guard_counters *guard_counters(const struct guard *guard)
{
    return &guard->counters;
}
