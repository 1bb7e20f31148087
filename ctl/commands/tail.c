/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire tail` prints changes and events as they are published. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "common/net/handshakes.h"
#include "common/net/silence.h"
#include "common/net/sockets.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"
#include "ctl/peer/follow.h"

#define SILENT_MS 3500 /* Three heartbeats are missing then. More than SILENCE_FIRST_MS. */

enum { OPTION_EVENTS = 256 };

/* Blocks the signals that end the command, and returns the signalfd that tells of them. */
static int interruptions(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- Options ---- */

struct tail_options {
    bool events;    /* True when raw events are printed, too. */
    uint64_t count; /* the command ends after so many lines; 0: never */
};

static const struct argp_option options_known[] = {
    {"events", OPTION_EVENTS, NULL, 0, "Raw events, too", 1},
    {"count", 'n', "N", 0, "End after N lines", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct tail_options *options = state->input;
    switch (key) {
    case OPTION_EVENTS:
        options->events = true;
        return 0;
    case 'n':
        options->count = command_parse_count(value, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Following ---- */

struct tail {
    const struct ctl *ctl;
    const struct tail_options *options;
    void *socket;
    void *handshakes; /* what watches those of the socket */
    struct follow follow;
    struct buf frames[WIRE_FRAMES];
};

static bool is_done(const struct tail *tail)
{
    return (tail->options->count != 0 && tail->follow.lines >= tail->options->count) ||
           ferror(tail->ctl->out) != 0;
}

/* Prints what the messages say that have come, and does not wait for more. */
static void drain(struct tail *tail)
{
    int count;
    while (!is_done(tail) && (count = socket_receive(tail->socket, tail->frames, WIRE_FRAMES,
                                                     WIRE_BODY_MAX + WIRE_TOPIC_MAX + 64)) != 0) {
        if (count == WIRE_FRAMES) {
            const struct str frames[WIRE_FRAMES] = {
                buf_str(&tail->frames[0]), buf_str(&tail->frames[1]), buf_str(&tail->frames[2])};
            follow_message(&tail->follow, frames);
        } else {
            tail->follow.malformed++;
        }
    }
    (void)fflush(tail->ctl->out);
}

static void disconnect(struct tail *tail)
{
    if (tail->handshakes != NULL) {
        socket_monitor_close(tail->socket, &tail->handshakes);
    }
    socket_close(&tail->socket);
}

static int connect_anew(struct tail *tail, struct error *err)
{
    const struct ctl *ctl = tail->ctl;
    disconnect(tail);
    tail->socket = socket_open(ZMQ_SUB, err);
    if (tail->socket == NULL) {
        return STATUS_FULL;
    }
    tail->handshakes = handshakes_watch(tail->socket);
    return socket_connect(tail->socket, ctl->publish, &ctl->server, ctl->config, err);
}

/* Whether nothing comes because the server does not want us, or is another than is expected. A
 * connection that breaks off can also be that of a server that was just stopped. */
static bool is_refused(const struct tail *tail, struct error *err)
{
    const bool heard = tail->follow.lines != 0 || !tail->ctl->config->curve.enabled;
    enum handshake failure;
    while ((failure = handshakes_next(tail->handshakes)) != HANDSHAKE_NONE) {
        if (failure != HANDSHAKE_BROKEN || !heard) {
            handshakes_explain(failure, tail->ctl->publish, tail->ctl->config, err);
            return true;
        }
    }
    return false;
}

/* Follows until it is interrupted, or enough is printed, or nobody reads what is printed. */
static int follow(struct tail *tail, int signals, struct error *err)
{
    bool silent = false;
    struct silence silence;
    silence_heard(&silence, clock_mono());
    while (!is_done(tail)) {
        zmq_pollitem_t items[] = {{tail->socket, 0, ZMQ_POLLIN, 0}, {NULL, signals, ZMQ_POLLIN, 0}};
        const int ready = zmq_poll(items, 2, SILENT_MS);
        if (items[1].revents != 0 || (ready < 0 && zmq_errno() != EINTR)) {
            return STATUS_OK;
        }
        if (ready == 0 && is_refused(tail, err)) {
            return STATUS_DENIED;
        }
        if (ready == 0 && !silent) {
            fprintf(tail->ctl->out, "{\"silent\":{\"ms\":%d}}\n", SILENT_MS);
            (void)fflush(tail->ctl->out);
        }
        silent = ready == 0;
        drain(tail);
        /* The connection may be dead without an end: see common/net/link.h. */
        if (!silent) {
            silence_heard(&silence, clock_mono());
        } else if (silence_is_over(&silence, clock_mono()) &&
                   connect_anew(tail, err) != STATUS_OK) {
            return STATUS_IO;
        }
    }
    return STATUS_OK;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct tail_options *options = line->options;
    struct tail tail = {.ctl = ctl, .options = options};
    struct error err = {{0}};
    const int signals = interruptions();
    int status = connect_anew(&tail, &err);
    if (status == STATUS_OK) {
        follow_init(&tail.follow, command_prefix(line), options->events, ctl->out);
        status = follow(&tail, signals, &err);
        follow_finish(&tail.follow);
    }
    if (status != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
    }
    disconnect(&tail);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&tail.frames[i]);
    }
    close(signals);
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}

const struct command command_tail = {
    .name = "tail",
    .argument = "[PREFIX]",
    .brief = "changes of tiles, as lines of JSON",
    .doc = "Print each change of a tile (whose key begins with PREFIX) as a line of JSON, until "
           "interrupted. Gaps are announced.",
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct tail_options),
    .run = run,
};
