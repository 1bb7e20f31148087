/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "common/program/log.h"
#include "ingestor/source/nats/nats_source.h"

#define SILENT_MS 5000   /* so long nothing may come while something is due */
#define PASSED_MAX 10000 /* messages of others that are passed over before the place is saved */
#define LOOK_BACK_MAX 16 /* times as many sequences as the event log has events are looked at */

static const char *name_of(const struct nats_source *s)
{
    return s->config->source.nats.stream;
}

/* True when the server leaves messages out by their subject, so that sequences have gaps. */
static bool is_filtered(const struct nats_source *s)
{
    return s->config->source.nats.subject_count == 1;
}

/* ---- Looking ---- */

static void note_lost(struct nats_source *s, uint64_t to)
{
    s->lost_from = s->lost != 0 ? s->lost_from : s->state.next;
    s->lost += to - s->state.next;
}

/* Messages up to `to` are not there. Those that a new deployment never saw, and those that the
 * stream itself replaces by newer ones, are no loss. */
static void note_gap(struct nats_source *s, uint64_t to)
{
    s->older_gone |= s->first_reading;
    if (!s->first_reading && !s->stream.newest_only) {
        note_lost(s, to);
    }
}

/* The end of the stream may have messages that are none of ours, or that are gone. */
static void pass_end(struct nats_source *s)
{
    if (!is_filtered(s)) {
        note_gap(s, s->stream.end);
    }
    s->state.next = s->stream.end;
}

/* With a filter gaps say nothing; but what is before the first message that is there, and was not
 * sent, will not come. */
static void pass_start(struct nats_source *s)
{
    note_lost(s, s->stream.first);
    s->state.next = s->stream.first;
}

/* What has become of the stream. What cannot be gone on with is an error: the source is opened
 * again then, and sees what it is. */
static int inspect(struct nats_source *s, struct error *err)
{
    uint64_t delivered;
    uint64_t pending;
    s->inspect_at = mono_add_ms(clock_mono(), s->config->source.poll_interval_ms);
    int status = nats_client_inspect(&s->client, NULL, &s->stream, err);
    if (status == STATUS_OK &&
        (s->stream.created != s->state.created || s->stream.end < s->state.next)) {
        status = error_set(err, STATUS_IO, "NATS at %s: the stream %s is another one than before",
                           s->config->source.nats.servers[0], name_of(s));
    }
    if (status == STATUS_OK) {
        status = nats_feed_ask(&s->feed, &delivered, &pending, err);
    }
    if (status != STATUS_OK || delivered != s->feed.taken || s->held.message != NULL) {
        return status;
    }
    if (pending == 0 && s->state.next < s->stream.end) {
        pass_end(s);
    } else if (pending != 0 && is_filtered(s) && s->state.next < s->stream.first) {
        pass_start(s);
    }
    if (pending == 0) {
        s->feed.end = s->feed.taken; /* what was counted and is gone does not come */
    }
    return STATUS_OK;
}

/* ---- Beginning ---- */

static uint64_t back(const struct nats_source *s, uint64_t count)
{
    const uint64_t next = s->state.next;
    const uint64_t from = next > count ? next - count : 1;
    return from > s->stream.first ? from : s->stream.first;
}

int nats_live_start(struct nats_source *s, struct error *err)
{
    uint64_t from = s->state.next;
    if (s->history_due) {
        const uint64_t wanted = s->config->ingestor.events;
        from = back(s, is_filtered(s) ? wanted * LOOK_BACK_MAX : wanted);
    }
    nats_live_stop(s);
    nats_feed_close(&s->feed);
    const int status = nats_feed_open(&s->feed, &s->client, from, err);
    return status == STATUS_OK ? inspect(s, err) : status;
}

void nats_live_stop(struct nats_source *s)
{
    natsMsg_Destroy(s->held.message);
    s->held.message = NULL;
}

/* ---- Messages ---- */

static int hold(struct nats_source *s, struct error *err)
{
    return s->held.message != NULL ? STATUS_OK : nats_feed_take(&s->feed, &s->held, err);
}

/* Waits for a message that is due, so that s->held has one, or the feed is at its end. */
static int await(struct nats_source *s, struct error *err)
{
    int status = hold(s, err);
    while (status == STATUS_OK && s->held.message == NULL && !nats_feed_at_end(&s->feed)) {
        struct pollfd fd = {.fd = nats_queue_fd(s->feed.queue), .events = POLLIN};
        const uint64_t before = s->feed.taken;
        const bool heard = poll(&fd, 1, SILENT_MS) > 0;
        nats_queue_hear(s->feed.queue);
        status = hold(s, err);
        if (status == STATUS_OK && !heard && s->held.message == NULL) {
            status = inspect(s, err);
            if (status == STATUS_OK && s->feed.taken == before && !nats_feed_at_end(&s->feed)) {
                status = error_set(err, STATUS_IO, "NATS at %s: nothing came for %d s",
                                   s->config->source.nats.servers[0], SILENT_MS / 1000);
            }
        }
    }
    return status;
}

static void deliver(struct nats_source *s, struct batch *batch, wall_time now)
{
    struct nats_state *state = &s->state;
    const struct nats_message *m = &s->held;
    if (m->sequence >= state->next) {
        if (m->sequence > state->next && !is_filtered(s)) {
            note_gap(s, m->sequence);
        }
        state->next = m->sequence + 1;
        state->last = (struct nats_anchor){m->sequence, m->time_ns};
        nats_events_add(&s->events, m, nats_state_ordinal(state), now, batch);
    }
    nats_live_stop(s);
}

static int take(struct nats_source *s, size_t max_rows, struct batch *batch, struct error *err)
{
    const wall_time now = clock_wall();
    size_t messages = 0;
    int status = s->building ? await(s, err) : hold(s, err);
    while (status == STATUS_OK && s->held.message != NULL) {
        deliver(s, batch, now);
        if (++messages >= max_rows || batch_is_full(batch)) {
            break;
        }
        status = hold(s, err);
    }
    return status;
}

/* ---- Batches ---- */

static void finish(struct nats_source *s, struct batch *batch)
{
    struct buf saved = {0};
    if (s->lost != 0) {
        nats_state_lose(&s->state, s->lost_from, s->lost, name_of(s));
        s->lost = 0;
    }
    batch->ordinal = nats_state_ordinal(&s->state);
    batch->origin = s->state.origin;
    batch->restarted = s->started_over;
    batch->pending_since = WALL_NEVER;
    s->started_over = false;
    s->promised = batch->more || batch->history;
    s->saved_next = s->state.next;
    nats_state_save(&s->state, &saved);
    batch_finish(batch, buf_str(&saved), STR(""));
    buf_free(&saved);
}

/* Messages that are none of ours move the place alone. It is saved now and then, so that they are
 * not all read again after a restart; and when they are about to be gone, for nobody would know
 * then that none of them was ours. */
static bool saving_is_due(const struct nats_source *s)
{
    return s->state.next - s->saved_next >= PASSED_MAX ||
           (s->saved_next < s->state.next && s->saved_next < s->stream.first);
}

int nats_live_read(struct nats_source *s, size_t max_rows, struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    int status = clock_mono().us >= s->inspect_at.us ? inspect(s, err) : STATUS_OK;
    if (status == STATUS_OK) {
        nats_queue_hear(s->feed.queue);
        status = take(s, max_rows, batch, err);
    }
    s->building = s->building && !nats_feed_at_end(&s->feed);
    s->first_reading = s->first_reading && s->building;
    batch->more = s->building || s->held.message != NULL || !nats_queue_is_empty(s->feed.queue);
    if (status != STATUS_OK || (batch->count == 0 && batch->unusable == 0 && !batch->more &&
                                !s->promised && s->lost == 0 && !saving_is_due(s))) {
        batch_destroy(&batch);
        return status;
    }
    batch->older_gone = s->older_gone;
    s->older_gone = false;
    finish(s, batch);
    *out = batch;
    return STATUS_OK;
}

/* ---- History ---- */

/* Fills the batch with messages before state.next. True: they are too many bytes. */
static int read_history(struct nats_source *s, struct batch *batch, bool *too_long,
                        struct error *err)
{
    const wall_time now = clock_wall();
    int status = await(s, err);
    *too_long = false;
    while (status == STATUS_OK && s->held.message != NULL && s->held.sequence < s->state.next &&
           !*too_long) {
        nats_events_add(&s->events, &s->held, s->state.base + s->held.sequence, now, batch);
        *too_long = batch_bytes(batch) > BATCH_HISTORY_BYTES_MAX;
        nats_live_stop(s);
        status = await(s, err);
    }
    return status;
}

/* Half as many when they would be more than a batch of history may take, until they fit. */
int nats_live_history(struct nats_source *s, struct batch **out, struct error *err)
{
    struct batch *batch = NULL;
    bool too_long = true;
    int status = STATUS_OK;
    uint64_t wanted = s->config->ingestor.events;
    while (status == STATUS_OK && too_long) {
        batch_destroy(&batch);
        batch = batch_create(s->config->source.extra_count);
        status = read_history(s, batch, &too_long, err);
        if (status == STATUS_OK && too_long) {
            wanted = (s->state.next - back(s, wanted)) / 2;
            nats_live_stop(s);
            nats_feed_close(&s->feed);
            status = nats_feed_open(&s->feed, &s->client, back(s, wanted), err);
        }
    }
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->history = true;
    batch->unusable = 0; /* they were counted the first time */
    finish(s, batch);
    *out = batch;
    return STATUS_OK;
}
