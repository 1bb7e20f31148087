/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka. Partitions are assigned and not subscribed to: there is no group, and positions are in our
 * own state, so that folding is exactly once in effect (docs/kafka.md).
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_file.h"
#include "common/program/log.h"
#include "common/state/state_file.h"
#include "ingestor/source/kafka/kafka_again.h"
#include "ingestor/source/kafka/kafka_doubt.h"
#include "ingestor/source/kafka/kafka_live.h"
#include "ingestor/source/kafka/kafka_past.h"
#include "ingestor/source/list.h"

static struct kafka_source *kafka_of(struct source *source)
{
    return (struct kafka_source *)source;
}

/* ---- Opening and closing ---- */

static void kafka_close(struct source *source)
{
    struct kafka_source *s = kafka_of(source);
    kafka_live_stop(s);
    kafka_doubt_free(s);
    kafka_client_close(&s->client);
    kafka_state_free(&s->state);
    kafka_draft_free(&s->draft);
    buf_free(&s->journal);
    free(s->feeds);
    if (s->wake_fd >= 0) {
        close(s->wake_fd);
    }
    free(s);
}

static uint64_t kafka_renumber(struct source *source)
{
    return kafka_state_renumber(&kafka_of(source)->state);
}

static void load_state(struct kafka_source *s, struct str state, struct str journal, uint64_t epoch)
{
    s->state = (struct kafka_state){
        .origin = epoch, .keep = s->config->ingestor.events, .record_bytes = SIZE_MAX};
    if (state.p == NULL) {
        return;
    }
    if (!kafka_state_load(&s->state, state)) {
        log_warn("the checkpoint's place in the topics is that of another source or version: all "
                 "tiles are built again from them");
        kafka_state_free(&s->state);
        s->state = (struct kafka_state){.origin = source_new_origin(epoch),
                                        .keep = s->config->ingestor.events,
                                        .record_bytes = SIZE_MAX};
        s->started_over = true;
    } else if (!kafka_replay_open(s, journal)) {
        log_warn("records are missing in the journal, so the order of delivery since the "
                 "checkpoint is not known: streams begin anew, and tiles go on");
        kafka_state_renumber(&s->state);
    } else {
        s->history_due = true;
    }
}

/* librdkafka writes to the eventfd when a queue that was empty has something. */
static int watch_queues(struct kafka_source *s, struct error *err)
{
    static const uint64_t one = 1;
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->wake_fd < 0) {
        return error_set(err, STATUS_IO, "no eventfd can be made: out of descriptors");
    }
    rd_kafka_queue_io_event_enable(s->client.queue, s->wake_fd, &one, sizeof one);
    rd_kafka_queue_t *told = rd_kafka_queue_get_main(s->client.handle);
    rd_kafka_queue_io_event_enable(told, s->wake_fd, &one, sizeof one);
    rd_kafka_queue_destroy(told);
    return STATUS_OK;
}

static int kafka_open(const struct config *config, struct str state, struct str journal,
                      uint64_t epoch, struct source **out, struct error *err)
{
    struct kafka_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_kafka;
    s->config = config;
    s->wake_fd = -1;
    s->building = true;
    s->promised = true;
    load_state(s, state, journal, epoch);
    kafka_feeds_grow(s);
    int status = kafka_client_open(&s->client, config, KAFKA_AHEAD_LIVE_KIB, err);
    if (status == STATUS_OK) {
        status = watch_queues(s, err);
    }
    if (status == STATUS_OK) {
        status = kafka_live_discover(s, err);
    }
    if (status != STATUS_OK) {
        kafka_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Reading ---- */

static int kafka_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct kafka_source *s = kafka_of(source);
    *out = NULL;
    if (s->history_due) {
        const int status = kafka_replay_history(s, out, err);
        s->history_due = status != STATUS_OK;
        return status;
    }
    if (kafka_replay_left(s)) {
        return kafka_replay_records(s, out, err);
    }
    const int status = kafka_live_read(s, max_rows, out, err);
    s->live = status == STATUS_OK;
    return status;
}

static int kafka_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                      struct error *err)
{
    struct kafka_source *s = kafka_of(source);
    struct pollfd fds[] = {{.fd = s->wake_fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    uint64_t count;
    *woken = s->waiting_at < s->waiting_count || rd_kafka_queue_length(s->client.queue) > 0;
    if (!*woken && poll(fds, 2, timeout_ms) > 0 && fds[0].revents != 0) {
        *woken = read(s->wake_fd, &count, sizeof count) > 0;
    }
    return kafka_client_serve(&s->client, err);
}

static void kafka_lag(struct source *source, struct lag *out)
{
    kafka_live_lag(kafka_of(source), out);
}

const struct source_ops source_kafka = {
    .scheme = "kafka",
    .journals = true,
    .stores = {&state_file, &lease_file},
    .open = kafka_open,
    .close = kafka_close,
    .open_past = kafka_past_open,
    .state_is_newer = kafka_state_is_newer,
    .read = kafka_read,
    .wait = kafka_wait,
    .renumber = kafka_renumber,
    .lag = kafka_lag,
};
