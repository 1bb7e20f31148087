/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/link.h"

#include <zmq.h>

#include "common/net/sockets.h"
#include "common/program/log.h"

/* A reply is tag, delimiter and body. There is room for one frame more, to notice a longer one. */
#define LINK_FRAMES_MAX 4

struct link {
    struct replica *replica;
    void *sub;                                /* hears all upstreams */
    void *queries[REPLICA_UPSTREAMS_MAX];     /* a DEALER to each */
    const char *names[REPLICA_UPSTREAMS_MAX]; /* their addresses, for the log */
    bool alive[REPLICA_UPSTREAMS_MAX];        /* whether each lives, as last logged */
    unsigned count;                           /* of upstreams */
    bool fresh;                               /* whether the replica is, as last logged */
    struct buf frames[LINK_FRAMES_MAX];
};

/* A tag in front of the empty delimiter is part of the envelope, which a ROUTER hands back with the
 * reply. */
static bool send_query(void *arg, unsigned upstream, uint32_t tag, struct str request)
{
    struct link *link = arg;
    const struct str frames[] = {{(const char *)&tag, sizeof tag}, STR(""), request};
    return socket_send(link->queries[upstream], frames, 3);
}

static int connect_all(struct link *link, const struct config *config,
                       const struct config_upstreams *upstreams, struct error *err)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        const struct config_upstream *u = &upstreams->list[i];
        void *query = socket_open(ZMQ_DEALER, err);
        if (query == NULL) {
            return STATUS_FULL;
        }
        /* Nothing piles up for a peer that is gone: without a connection, sending fails. */
        const int yes = 1;
        zmq_setsockopt(query, ZMQ_IMMEDIATE, &yes, sizeof yes);
        link->queries[i] = query;
        link->names[i] = u->query;
        link->count++;
        int status = socket_connect(query, u->query, u->server_key, config, err);
        if (status == STATUS_OK) {
            status = socket_connect(link->sub, u->publish, u->server_key, config, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

int link_create(const struct config *config, const struct config_upstreams *upstreams,
                size_t events_max, struct store *store, struct eventlog *events,
                void (*accepted)(void *arg, const struct str frames[WIRE_FRAMES]), void *arg,
                struct link **out, struct error *err)
{
    struct link *link = x_calloc(1, sizeof *link);
    *out = link;
    link->sub = socket_open(ZMQ_SUB, err);
    const int status = link->sub != NULL ? connect_all(link, config, upstreams, err) : STATUS_FULL;
    if (status != STATUS_OK) {
        link_destroy(out);
        return status;
    }
    const struct replica_ops ops = {send_query, link, accepted, arg};
    link->replica = replica_create(link->count, events_max, store, events, &ops);
    return STATUS_OK;
}

void link_destroy(struct link **link_p)
{
    struct link *link = *link_p;
    if (link == NULL) {
        return;
    }
    replica_destroy(&link->replica);
    for (unsigned i = 0; i < link->count; i++) {
        socket_close(&link->queries[i]);
    }
    socket_close(&link->sub);
    for (size_t i = 0; i < LINK_FRAMES_MAX; i++) {
        buf_free(&link->frames[i]);
    }
    free(link);
    *link_p = NULL;
}

size_t link_fds(const struct link *link, int out[LINK_FDS_MAX])
{
    size_t count = 0;
    out[count++] = socket_fd(link->sub);
    for (unsigned i = 0; i < link->count; i++) {
        out[count++] = socket_fd(link->queries[i]);
    }
    return count;
}

/* Returns whether a reply was there. */
static bool take_reply(struct link *link, unsigned upstream, mono_time now)
{
    const int count = socket_receive(link->queries[upstream], link->frames, LINK_FRAMES_MAX,
                                     SOCKET_REPLY_MAX_BYTES);
    uint32_t tag;
    if (count == 3 && link->frames[0].len == sizeof tag && link->frames[1].len == 0) {
        memcpy(&tag, link->frames[0].data, sizeof tag);
        replica_reply(link->replica, upstream, tag, buf_str(&link->frames[2]), now);
    }
    return count != 0;
}

/* Returns whether a message was there. One of the wrong length is handed on as a malformed one, so
 * that it is counted. */
static bool take_message(struct link *link, mono_time now)
{
    const int count = socket_receive(link->sub, link->frames, LINK_FRAMES_MAX,
                                     WIRE_BODY_MAX + WIRE_TOPIC_MAX + 1024);
    if (count == 0) {
        return false;
    }
    const struct str none[WIRE_FRAMES] = {STR(""), STR(""), STR("")};
    const struct str frames[WIRE_FRAMES] = {buf_str(&link->frames[0]), buf_str(&link->frames[1]),
                                            buf_str(&link->frames[2])};
    replica_message(link->replica, count == WIRE_FRAMES ? frames : none, now);
    return true;
}

static void log_changes(struct link *link, mono_time now)
{
    for (unsigned i = 0; i < link->count; i++) {
        const bool alive = replica_upstream_alive(link->replica, i, now);
        if (alive != link->alive[i]) {
            link->alive[i] = alive;
            if (alive) {
                log_info("upstream %s answers", link->names[i]);
            } else {
                log_warn("upstream %s does not answer any more; trying again", link->names[i]);
            }
        }
    }
    const char *reason = "";
    const bool fresh = replica_fresh(link->replica, now, &reason);
    if (fresh != link->fresh) {
        link->fresh = fresh;
        if (fresh) {
            log_info("in sync");
        } else {
            log_warn("not in sync: %s", reason);
        }
    }
}

/* True when a message waits on any socket. To be asked after all use of the sockets: sending a
 * query can take the signal of a message that came meanwhile off the descriptor, and the message
 * would lie there until the next one. */
static bool readable(const struct link *link)
{
    bool any = socket_readable(link->sub);
    for (unsigned i = 0; i < link->count; i++) {
        any = socket_readable(link->queries[i]) || any;
    }
    return any;
}

bool link_process(struct link *link, mono_time now, unsigned budget)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < link->count; i++) {
        while (taken < budget && take_reply(link, i, now)) {
            taken++;
        }
    }
    while (taken < budget && take_message(link, now)) {
        taken++;
    }
    replica_tick(link->replica, now);
    log_changes(link, now);
    return taken == budget || readable(link);
}

int link_wait_ms(const struct link *link, mono_time now)
{
    return replica_wait_ms(link->replica, now);
}

const struct replica *link_replica(const struct link *link)
{
    return link->replica;
}
