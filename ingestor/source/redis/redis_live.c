/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_live.h"

#include <poll.h>
#include <stdio.h>

#include "common/program/log.h"
#include "ingestor/source/redis/redis_check.h"

#define WAITED_ROWS 10000 /* entries that may come at once when they were waited for */
#define HOUR_MS 3600000

/* ---- Entries that have come ---- */

/* Takes a reply to XREAD over: nothing, or one stream with entries. */
static int set_reply(struct redis_source *s, redisReply *reply, size_t asked, struct error *err)
{
    const redisReply *entries = redis_client_entries(reply);
    const bool nothing = reply->type == REDIS_REPLY_NIL;
    const int status = nothing ? STATUS_OK : redis_client_check_page(&s->client, entries, err);
    s->full = status == STATUS_OK && !nothing && entries->elements >= asked;
    if (nothing || status != STATUS_OK) {
        freeReplyObject(reply);
        return status;
    }
    s->reply = reply;
    s->reply_at = 0;
    s->absent = false;
    return STATUS_OK;
}

static struct redis_id high_of(const struct redis_state *state)
{
    struct redis_id high = state->position;
    for (size_t i = 0; i < state->anchors.count; i++) {
        const struct redis_id id = state->anchors.list[i].id;
        high = redis_id_compare(id, high) > 0 ? id : high;
    }
    return high;
}

/* One that was delivered before is passed over: a stream that was made anew may have been read
 * beyond the place that it is now read from. */
static void deliver_entry(struct redis_source *s, struct redis_entry *entry, struct batch *batch,
                          wall_time now)
{
    const struct redis_anchor anchor = {entry->id, redis_entry_digest(entry)};
    if (redis_id_compare(entry->id, s->high) <= 0 && redis_state_knows(&s->state, anchor)) {
        redis_draft_pass(&s->draft, &s->state, entry->id);
        return;
    }
    const uint64_t ordinal = redis_draft_deliver(&s->draft, &s->state, anchor);
    redis_client_add_event(&s->client, batch, entry, ordinal, now, &s->unusable);
}

/* Delivers what has come, as much as goes into the batch. */
static void deliver(struct redis_source *s, size_t max_rows, struct batch *batch)
{
    const redisReply *entries = redis_client_entries(s->reply);
    const wall_time now = clock_wall();
    s->high = high_of(&s->state);
    for (size_t rows = 0; entries != NULL && s->reply_at < entries->elements && rows < max_rows &&
                          !batch_is_full(batch);
         rows++) {
        struct redis_entry entry;
        if (redis_client_entry(&s->client, entries, s->reply_at++, &entry)) {
            deliver_entry(s, &entry, batch, now);
        }
    }
    if (entries == NULL || s->reply_at == entries->elements) {
        freeReplyObject(s->reply);
        s->reply = NULL;
    }
}

/* ---- An entry that is too long ---- */

/* A reply was too long. Fewer entries are asked for; and one alone is passed over. */
static int pass_over(struct redis_source *s, size_t asked, struct batch *batch, struct error *err)
{
    struct redis_id id;
    char text[REDIS_ID_SIZE];
    const bool stuck = redis_client_stuck_at(&s->client, &id);
    if (asked == 1 && stuck) {
        unusable_text_row(&s->unusable, UNUSABLE_TOO_LONG, str_of(redis_id_format(id, text)));
        batch->unusable++;
        redis_draft_pass(&s->draft, &s->state, id);
    } else if (asked == 1) { /* what looking brings: the first or last entry of the stream */
        s->check_at = mono_add_ms(clock_mono(), HOUR_MS);
        s->check_off_until = s->check_at;
    }
    s->full = true;
    s->asked = false;
    return redis_client_connect_again(&s->client, err);
}

/* ---- Asking ---- */

static int send_read(struct redis_source *s, const char *count, const char *block,
                     struct error *err)
{
    const char *stream = s->config->source.redis.stream;
    char position[REDIS_ID_SIZE];
    redis_id_format(s->state.position, position);
    return block == NULL ? redis_client_send(&s->client, err, "XREAD", "COUNT", count, "STREAMS",
                                             stream, position, NULL)
                         : redis_client_send(&s->client, err, "XREAD", "COUNT", count, "BLOCK",
                                             block, "STREAMS", stream, position, NULL);
}

/* A reader that is behind looks each time, so that it learns of a gap before it reads on. */
static bool check_is_due(const struct redis_source *s)
{
    const mono_time now = clock_mono();
    return s->check_at.us <= now.us || (s->full && now.us >= s->check_off_until.us);
}

/* Asks for entries, and where it is due, what has become of the stream. Nothing may be on its way.
 */
static int ask(struct redis_source *s, size_t max_rows, struct batch *batch, struct error *err)
{
    const bool check = check_is_due(s);
    const size_t wanted = redis_client_count(&s->client, max_rows);
    struct redis_check answers = {0};
    redisReply *reply = NULL;
    bool moved = false;
    char count[24];
    snprintf(count, sizeof count, "%zu", wanted);
    int status = check ? redis_check_ask(s, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = send_read(s, count, NULL, err);
    }
    if (status == STATUS_OK && check) {
        status = redis_check_await(s, &answers, err);
    }
    if (status == STATUS_OK) {
        status = redis_client_await(&s->client, &reply, err);
    }
    if (status == STATUS_OK && check) {
        status = redis_check_judge(s, &answers, &moved, err);
    }
    if (status == STATUS_OK && !moved) {
        status = set_reply(s, reply, wanted, err);
        reply = NULL;
    }
    s->full |= moved; /* it is read from elsewhere */
    freeReplyObject(reply);
    redis_check_free(&answers);
    return status == STATUS_FULL ? pass_over(s, wanted, batch, err) : status;
}

/* Takes the answer to XREAD BLOCK, if it is there. */
static int take_asked(struct redis_source *s, struct error *err)
{
    redisReply *reply = NULL;
    int status = redis_client_take(&s->client, &reply, err);
    if (status == STATUS_FULL) {
        s->asked = false;
        return redis_client_connect_again(&s->client, err);
    }
    if (status == STATUS_OK && reply == NULL && clock_mono().us > s->asked_until.us) {
        status = error_set(err, STATUS_IO, "Redis at %s:%u does not answer any more",
                           s->config->source.redis.host, s->config->source.redis.port);
    }
    if (status != STATUS_OK || reply == NULL) {
        return status;
    }
    s->asked = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        status = redis_client_failed(&s->client, reply, err);
        freeReplyObject(reply);
        return status;
    }
    return set_reply(s, reply, s->asked_count, err);
}

/* ---- Reading and waiting ---- */

int redis_live_read(struct redis_source *s, size_t max_rows, struct batch **out, struct error *err)
{
    struct buf record = {0};
    struct batch *batch = batch_create(s->config->source.extra_count);
    int status = s->reply == NULL && s->asked ? take_asked(s, err) : STATUS_OK;
    if (status == STATUS_OK && s->reply == NULL && !s->asked) {
        status = ask(s, max_rows, batch, err);
    }
    if (status == STATUS_OK) {
        deliver(s, max_rows, batch);
    }
    batch->more = s->reply != NULL || s->full;
    if (status != STATUS_OK ||
        (redis_draft_empty(&s->draft) && batch->unusable == 0 && !batch->more && !s->promised)) {
        batch_destroy(&batch);
        return status;
    }
    if (!redis_draft_empty(&s->draft)) {
        redis_draft_put(&s->draft, &s->state, &record);
    }
    batch->older_gone = s->older_gone;
    s->older_gone = false;
    redis_finish(s, batch, buf_str(&record), true);
    buf_free(&record);
    *out = batch;
    return STATUS_OK;
}

/* Asks to be told of the next entries, until it is time to look at the stream again. */
static int ask_to_be_told(struct redis_source *s, struct error *err)
{
    char count[24];
    char block[24];
    const int ms = mono_ms_until(clock_mono(), s->check_at, HOUR_MS);
    s->asked_count = redis_client_count(&s->client, WAITED_ROWS);
    snprintf(count, sizeof count, "%zu", s->asked_count);
    snprintf(block, sizeof block, "%d", ms > 1 ? ms : 1); /* 0 would mean for ever */
    s->asked = true;
    s->asked_until = mono_add_ms(clock_mono(), ms + REDIS_ANSWER_MS);
    return send_read(s, count, block, err);
}

int redis_live_wait(struct redis_source *s, int wake_fd, int timeout_ms, bool *woken,
                    struct error *err)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    int status = STATUS_OK;
    if (s->reply == NULL && !s->asked) {
        status = ask_to_be_told(s, err);
    }
    fds[1].fd = s->client.context->fd;
    if (status == STATUS_OK && s->reply == NULL && poll(fds, 2, timeout_ms) > 0 &&
        fds[1].revents != 0) {
        status = take_asked(s, err);
    }
    *woken = s->reply != NULL || !s->asked;
    return status;
}
