/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of Redis. It is read by XREAD and not in a consumer group: positions are in our own
 * state, so that folding is exactly once in effect (docs/redis.md).
 */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_file.h"
#include "common/program/log.h"
#include "common/state/state_file.h"
#include "ingestor/source/list.h"
#include "ingestor/source/redis/redis_again.h"
#include "ingestor/source/redis/redis_check.h"
#include "ingestor/source/redis/redis_live.h"
#include "ingestor/source/redis/redis_past.h"

static struct redis_source *redis_of(struct source *source)
{
    return (struct redis_source *)source;
}

/* ---- Opening and closing ---- */

static void redis_close(struct source *source)
{
    struct redis_source *s = redis_of(source);
    freeReplyObject(s->reply);
    redis_client_close(&s->client);
    redis_state_free(&s->state);
    redis_draft_free(&s->draft);
    buf_free(&s->journal);
    free(s);
}

static uint64_t redis_renumber(struct source *source)
{
    return redis_state_renumber(&redis_of(source)->state);
}

static struct redis_state fresh_state(const struct config *config, uint64_t origin)
{
    return (struct redis_state){.origin = origin,
                                .added = REDIS_ADDED_UNKNOWN,
                                .keep = config->ingestor.events,
                                .record_bytes = SIZE_MAX};
}

static void load_state(struct redis_source *s, struct str state, struct str journal, uint64_t epoch)
{
    s->state = fresh_state(s->config, epoch);
    if (state.p == NULL) {
        return;
    }
    if (!redis_state_load(&s->state, s->config->source.redis.stream, state)) {
        log_warn("the checkpoint's place is that of another source, stream or version: all tiles "
                 "are built again from stream \"%s\"",
                 s->config->source.redis.stream);
        redis_state_free(&s->state);
        s->state = fresh_state(s->config, source_new_origin(epoch));
        s->started_over = true;
    } else if (!redis_replay_open(s, journal)) {
        log_warn("records are missing in the journal, so the order of delivery since the "
                 "checkpoint is not known: streams begin anew, and tiles go on");
        redis_state_renumber(&s->state);
    } else {
        s->history_due = true;
    }
}

static int redis_open(const struct config *config, struct str state, struct str journal,
                      uint64_t epoch, struct source **out, struct error *err)
{
    struct redis_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_redis;
    s->config = config;
    s->promised = true;
    load_state(s, state, journal, epoch);
    const int status = redis_client_open(&s->client, config, err);
    if (status != STATUS_OK) {
        redis_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Reading ---- */

static int redis_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct redis_source *s = redis_of(source);
    *out = NULL;
    if (s->history_due) {
        const int status = redis_replay_history(s, out, err);
        s->history_due = status != STATUS_OK;
        return status;
    }
    if (redis_replay_left(s)) {
        return redis_replay_record(s, out, err);
    }
    return redis_live_read(s, max_rows, out, err);
}

static int redis_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                      struct error *err)
{
    return redis_live_wait(redis_of(source), wake_fd, timeout_ms, woken, err);
}

static void redis_lag(struct source *source, struct lag *out)
{
    redis_check_lag(redis_of(source), out);
}

const struct source_ops source_redis = {
    .scheme = "redis",
    .journals = true,
    .stores = {&state_file, &lease_file},
    .open = redis_open,
    .close = redis_close,
    .open_past = redis_past_open,
    .state_is_newer = redis_state_is_newer,
    .read = redis_read,
    .wait = redis_wait,
    .renumber = redis_renumber,
    .lag = redis_lag,
};
