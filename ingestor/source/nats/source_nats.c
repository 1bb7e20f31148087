/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of NATS JetStream. Nothing is acknowledged: the position is in our own state, so that
 * folding is exactly once in effect (docs/nats.md).
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_file.h"
#include "common/program/log.h"
#include "common/state/state_file.h"
#include "ingestor/source/list.h"
#include "ingestor/source/nats/nats_past.h"
#include "ingestor/source/nats/nats_source.h"
#include "ingestor/source/nats/nats_younger.h"

static struct nats_source *nats_of(struct source *source)
{
    return (struct nats_source *)source;
}

static void nats_close(struct source *source)
{
    struct nats_source *s = nats_of(source);
    nats_live_stop(s);
    nats_feed_close(&s->feed);
    nats_client_close(&s->client);
    nats_events_free(&s->events);
    free(s);
}

static void load_state(struct nats_source *s, struct str state, uint64_t epoch)
{
    s->state = (struct nats_state){.origin = epoch, .next = 1};
    if (state.p == NULL) {
        return;
    }
    s->history_due = nats_state_load(&s->state, state);
    if (!s->history_due) {
        log_warn("the checkpoint's place in the stream is that of another source or version: all "
                 "tiles are built again from it");
        s->state = (struct nats_state){.origin = source_new_origin(epoch), .next = 1};
        s->started_over = true;
    }
}

/* Finds the place in the stream that reading goes on from. */
static int find_place(struct nats_source *s, struct error *err)
{
    uint64_t next;
    int status = nats_client_inspect(&s->client, &s->state.last, &s->stream, err);
    if (status != STATUS_OK) {
        return status;
    }
    const struct nats_anchor last = s->state.last;
    s->saved_next = s->state.next;
    switch (nats_state_meet(&s->state, &s->stream, s->config->source.nats.stream)) {
    case NATS_BEGUN:
        s->first_reading = true;
        s->older_gone = s->stream.first > 1;
        break;
    case NATS_OTHER:
        status = nats_find_younger(&s->client, &last, s->stream.first, &next, err);
        if (status == STATUS_OK) {
            nats_state_go_on(&s->state, next);
        }
        break;
    case NATS_SAME:
    case NATS_ANEW:
    case NATS_TRIMMED:
    case NATS_SHORTER:
        break;
    }
    return status;
}

static int nats_open(const struct config *config, struct str state, struct str journal,
                     uint64_t epoch, struct source **out, struct error *err)
{
    struct nats_source *s = x_calloc(1, sizeof *s);
    (void)journal; /* sequences are an order */
    s->base.ops = &source_nats;
    s->config = config;
    s->building = true;
    s->promised = true;
    nats_events_init(&s->events, &config->source);
    load_state(s, state, epoch);
    int status = nats_client_open(&s->client, config, err);
    if (status == STATUS_OK) {
        status = find_place(s, err);
    }
    if (status == STATUS_OK) {
        status = nats_live_start(s, err);
    }
    if (status != STATUS_OK) {
        nats_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

static int nats_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct nats_source *s = nats_of(source);
    *out = NULL;
    if (s->history_due) {
        const int status = nats_live_history(s, out, err);
        s->history_due = status != STATUS_OK;
        return status;
    }
    return nats_live_read(s, max_rows, out, err);
}

static int nats_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                     struct error *err)
{
    struct nats_source *s = nats_of(source);
    struct pollfd fds[] = {{.fd = nats_queue_fd(s->feed.queue), .events = POLLIN},
                           {.fd = wake_fd, .events = POLLIN}};
    (void)err; /* a connection that is lost wakes, and reading says it */
    *woken = s->held.message != NULL || (poll(fds, 2, timeout_ms) > 0 && fds[0].revents != 0);
    return STATUS_OK;
}

/* As the messages told it, and the looks between them. */
static void nats_lag(struct source *source, struct lag *out)
{
    const struct nats_source *s = nats_of(source);
    const struct nats_feed *feed = &s->feed;
    const uint64_t left = feed->known > feed->taken ? feed->known - feed->taken : 0;
    lag_add(out, str_of(s->config->source.nats.stream), left + (s->held.message != NULL));
}

const struct source_ops source_nats = {
    .scheme = "nats",
    .stores = {&state_file, &lease_file},
    .open = nats_open,
    .close = nats_close,
    .open_past = nats_past_open,
    .state_is_newer = nats_state_is_newer,
    .read = nats_read,
    .wait = nats_wait,
    .lag = nats_lag,
};
