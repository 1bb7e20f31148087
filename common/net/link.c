/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/link.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "common/net/few_lines.h"
#include "common/net/handshakes.h"
#include "common/net/progress.h"
#include "common/net/silence.h"
#include "common/net/sockets.h"
#include "common/program/log.h"

/* A reply is tag, delimiter and body. There is room for one frame more, to notice a longer one. */
#define LINK_FRAMES_MAX 4

/* Messages that are taken from one upstream before the next one has its turn. */
#define LINK_TURN 16

/* How often it is looked whether bytes come of what is waited for. */
#define LINK_PROGRESS_MS 100

/* A turn that comes so late was not held up by the peers: link_wait_ms is shorter. */
#define LINK_PAUSE_MS (INT64_C(2) * REPLICA_PING_MS)

struct connection {
    void *socket;
    struct progress *progress; /* of the socket's connection; may be NULL */
    bool given_up;             /* libzmq does not try to connect any more */
    struct silence silence;
};

struct upstream {
    const struct config_upstream *config; /* borrowed */
    struct connection sub;                /* hears what is published */
    struct connection query;              /* a DEALER */
    mono_time heard_at;                   /* when the SUB had something last, or was made */
    bool unanswered;                      /* a query was sent since the last reply */
    bool alive;                           /* whether it lives, as last logged */
};

struct link {
    const struct config *config; /* borrowed */
    struct replica *replica;
    int epoll; /* watches all sockets */
    struct upstream upstreams[REPLICA_UPSTREAMS_MAX];
    unsigned count;         /* of upstreams */
    bool fresh;             /* whether the replica is, as last logged */
    mono_time turn_at;      /* when link_process was called last */
    mono_time progress_at;  /* when it was looked last whether bytes come */
    uint64_t renewals;      /* sockets that were made anew */
    uint64_t event_resets;  /* the replica's, as last logged */
    uint64_t moved;         /* replica_moved, as it was last */
    struct few_lines moves; /* about these */
    struct few_lines lines; /* about handshakes */
    struct buf frames[LINK_FRAMES_MAX];
};

/* ---- Sockets ---- */

static void close_connection(const struct link *link, struct connection *connection)
{
    if (connection->socket != NULL) {
        (void)epoll_ctl(link->epoll, EPOLL_CTL_DEL, socket_fd(connection->socket), NULL);
        progress_destroy(&connection->progress);
        socket_close(&connection->socket);
    }
}

/* Sets the socket of the connection, and what belongs to it; leaves its silence alone. */
static int connect_to(const struct link *link, int type, const struct config_upstream *upstream,
                      struct connection *out, struct error *err)
{
    out->given_up = false;
    out->socket = socket_open(type, err);
    if (out->socket == NULL) {
        return STATUS_FULL;
    }
    if (type == ZMQ_DEALER) {
        /* Nothing piles up for a peer that is gone: without a connection, sending fails. */
        const int yes = 1;
        zmq_setsockopt(out->socket, ZMQ_IMMEDIATE, &yes, sizeof yes);
    }
    out->progress = progress_create(out->socket);
    const char *address = type == ZMQ_SUB ? upstream->publish : upstream->query;
    int status = socket_connect(out->socket, address, &upstream->server, link->config, err);
    struct epoll_event event = {.events = EPOLLIN};
    if (status == STATUS_OK &&
        epoll_ctl(link->epoll, EPOLL_CTL_ADD, socket_fd(out->socket), &event) != 0) {
        status = error_set(err, STATUS_FULL, "cannot watch a socket: %s", strerror(errno));
    }
    if (status != STATUS_OK) {
        close_connection(link, out);
    }
    return status;
}

/* The old socket stays when no new one can be made. */
static void renew(struct link *link, struct upstream *u, int type)
{
    struct connection *connection = type == ZMQ_SUB ? &u->sub : &u->query;
    struct connection fresh = {.silence = connection->silence};
    struct error err = {{0}};
    if (connect_to(link, type, u->config, &fresh, &err) != STATUS_OK) {
        log_error("%s", err.text);
        return;
    }
    close_connection(link, connection);
    *connection = fresh;
    link->renewals++;
}

/* A tag in front of the empty delimiter is part of the envelope, which a ROUTER hands back with the
 * reply. */
static bool send_query(void *arg, unsigned upstream, uint32_t tag, struct str request)
{
    struct link *link = arg;
    const struct str frames[] = {{(const char *)&tag, sizeof tag}, STR(""), request};
    struct upstream *u = &link->upstreams[upstream];
    const bool sent = socket_send(u->query.socket, frames, 3);
    u->unanswered = u->unanswered || sent;
    return sent;
}

static int connect_all(struct link *link, const struct config_upstreams *upstreams,
                       struct error *err)
{
    const mono_time now = clock_mono();
    int status = STATUS_OK;
    for (size_t i = 0; i < upstreams->count && status == STATUS_OK; i++) {
        struct upstream *u = &link->upstreams[link->count++];
        u->config = &upstreams->list[i];
        u->heard_at = now;
        silence_heard(&u->sub.silence, now);
        silence_heard(&u->query.silence, now);
        status = connect_to(link, ZMQ_DEALER, u->config, &u->query, err);
        if (status == STATUS_OK) {
            status = connect_to(link, ZMQ_SUB, u->config, &u->sub, err);
        }
    }
    return status;
}

int link_create(const struct config *config, const struct config_upstreams *upstreams,
                size_t events_max, struct store *store, struct eventlog *events,
                void (*accepted)(void *arg, const struct str frames[WIRE_FRAMES]), void *arg,
                struct link **out, struct error *err)
{
    struct link *link = x_calloc(1, sizeof *link);
    *out = link;
    link->config = config;
    link->turn_at = clock_mono();
    link->epoll = epoll_create1(EPOLL_CLOEXEC);
    const int status =
        link->epoll >= 0 ? connect_all(link, upstreams, err)
                         : error_set(err, STATUS_FULL, "cannot watch sockets: %s", strerror(errno));
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
        close_connection(link, &link->upstreams[i].query);
        close_connection(link, &link->upstreams[i].sub);
    }
    if (link->epoll >= 0) {
        close(link->epoll);
    }
    for (size_t i = 0; i < LINK_FRAMES_MAX; i++) {
        buf_free(&link->frames[i]);
    }
    free(link);
    *link_p = NULL;
}

int link_fd(const struct link *link)
{
    return link->epoll;
}

uint64_t link_renewals(const struct link *link)
{
    return link->renewals;
}

/* ---- What comes ---- */

/* Returns whether a reply was there. */
static bool take_reply(struct link *link, unsigned upstream, mono_time now)
{
    struct upstream *u = &link->upstreams[upstream];
    const int count =
        socket_receive(u->query.socket, link->frames, LINK_FRAMES_MAX, SOCKET_REPLY_MAX_BYTES);
    if (count == 0) {
        return false;
    }
    u->unanswered = false;
    silence_heard(&u->query.silence, now);
    uint32_t tag;
    if (count == 3 && link->frames[0].len == sizeof tag && link->frames[1].len == 0) {
        memcpy(&tag, link->frames[0].data, sizeof tag);
        replica_reply(link->replica, upstream, tag, buf_str(&link->frames[2]), now);
    }
    return true;
}

/* Returns whether a message was there. One of the wrong length is handed on as a malformed one, so
 * that it is counted. */
static bool take_message(struct link *link, struct upstream *u, mono_time now)
{
    const int count = socket_receive(u->sub.socket, link->frames, LINK_FRAMES_MAX,
                                     WIRE_BODY_MAX + WIRE_TOPIC_MAX + 1024);
    if (count == 0) {
        return false;
    }
    u->heard_at = now;
    silence_heard(&u->sub.silence, now);
    const struct str none[WIRE_FRAMES] = {STR(""), STR(""), STR("")};
    const struct str frames[WIRE_FRAMES] = {buf_str(&link->frames[0]), buf_str(&link->frames[1]),
                                            buf_str(&link->frames[2])};
    replica_message(link->replica, count == WIRE_FRAMES ? frames : none, now);
    return true;
}

/* Takes at most budget messages, from all upstreams in turn, and returns how many they were. */
static unsigned take_messages(struct link *link, mono_time now, unsigned budget)
{
    unsigned taken = 0;
    unsigned before;
    do {
        before = taken;
        for (unsigned i = 0; i < link->count; i++) {
            unsigned turn = budget - taken < LINK_TURN ? budget - taken : LINK_TURN;
            while (turn > 0 && take_message(link, &link->upstreams[i], now)) {
                turn--;
                taken++;
            }
        }
    } while (taken != before && taken < budget);
    return taken;
}

/* ---- What does not come ---- */

/* True when the upstream, by its answers, has gone on since its SUB was heard last. */
static bool should_be_heard(const struct link *link, unsigned upstream, mono_time now)
{
    return replica_upstream_alive(link->replica, upstream, now) &&
           replica_upstream_moved_at(link->replica, upstream).us >
               link->upstreams[upstream].heard_at.us;
}

/* What is slow but moves is no silence. To be called after what came was taken. */
static void note_progress(struct link *link, mono_time now)
{
    if (now.us - link->progress_at.us < LINK_PROGRESS_MS * US_PER_MS) {
        return;
    }
    link->progress_at = now;
    for (unsigned i = 0; i < link->count; i++) {
        struct upstream *u = &link->upstreams[i];
        if (u->unanswered && progress_made(u->query.progress)) {
            replica_arriving(link->replica, i, now);
            silence_excuse(&u->query.silence, now);
        }
        if (progress_made(u->sub.progress)) {
            silence_excuse(&u->sub.silence, now);
        }
    }
}

/* Says why there is no connection, and sees whether there will never be one. */
static void see_handshakes(struct link *link, struct connection *connection, const char *address,
                           mono_time now)
{
    enum handshake failure;
    while ((failure = progress_failure(connection->progress)) != HANDSHAKE_NONE) {
        struct error err;
        uint64_t left_out;
        connection->given_up = connection->given_up || failure != HANDSHAKE_BROKEN;
        handshakes_explain(failure, address, link->config, &err);
        /* One that breaks without keys is that of a program which was just stopped. */
        if ((failure != HANDSHAKE_BROKEN || link->config->curve.enabled) &&
            few_lines_allow(&link->lines, str_of(err.text), now, &left_out)) {
            log_warn("%s", err.text);
        }
    }
}

/* To be called after what came was taken. */
static void end_silence(struct link *link, mono_time now)
{
    const bool paused = now.us - link->turn_at.us > LINK_PAUSE_MS * US_PER_MS;
    link->turn_at = now;
    for (unsigned i = 0; i < link->count; i++) {
        struct upstream *u = &link->upstreams[i];
        see_handshakes(link, &u->query, u->config->query, now);
        see_handshakes(link, &u->sub, u->config->publish, now);
        if (paused || (!u->unanswered && !u->query.given_up)) {
            silence_excuse(&u->query.silence, now);
        }
        if (paused || (!should_be_heard(link, i, now) && !u->sub.given_up)) {
            silence_excuse(&u->sub.silence, now);
        }
        if (silence_is_over(&u->query.silence, now)) {
            if (!u->query.given_up) {
                log_warn("upstream %s answers no queries: connecting anew", u->config->query);
            }
            renew(link, u, ZMQ_DEALER);
            u->unanswered = false;
        }
        if (silence_is_over(&u->sub.silence, now)) {
            if (!u->sub.given_up) {
                log_warn("upstream %s is silent, though it answers that it goes on: connecting "
                         "anew",
                         u->config->publish);
            }
            renew(link, u, ZMQ_SUB);
            u->heard_at = now;
        }
    }
}

/* Each ingestor has what it read, so neither's tile is whole. */
static void log_moves(struct link *link, mono_time now)
{
    const uint64_t moved = replica_moved(link->replica);
    uint64_t left_out;
    if (moved != link->moved && few_lines_allow(&link->moves, STR("moves"), now, &left_out)) {
        log_warn("%llu changes were of tiles that another ingestor publishes, too, and the newer "
                 "ingestor's are shown. Unless a file was just changed, that is wrong: two own one "
                 "lane or partition, or messages of one key are in partitions of two "
                 "(docs/partitioning.md)",
                 (unsigned long long)(moved - link->moved));
    }
    link->moved = moved;
}

static void log_changes(struct link *link, mono_time now)
{
    log_moves(link, now);
    for (unsigned i = 0; i < link->count; i++) {
        const bool alive = replica_upstream_alive(link->replica, i, now);
        struct upstream *u = &link->upstreams[i];
        if (alive != u->alive) {
            u->alive = alive;
            if (alive) {
                log_info("upstream %s answers", u->config->query);
            } else {
                log_warn("upstream %s does not answer any more; trying again", u->config->query);
            }
        }
    }
    const uint64_t resets = replica_counters(link->replica)->event_resets;
    if (resets != link->event_resets) {
        link->event_resets = resets;
        log_warn("the events that were held cannot be continued, because the table lost rows or "
                 "was replaced, or too many came meanwhile: they are fetched anew, and streams are "
                 "told `reset`");
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
    bool any = false;
    for (unsigned i = 0; i < link->count; i++) {
        any = socket_readable(link->upstreams[i].query.socket) || any;
        any = socket_readable(link->upstreams[i].sub.socket) || any;
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
    taken += take_messages(link, now, budget - taken);
    note_progress(link, now);
    end_silence(link, now);
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
