/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_save.h"

#include "common/program/log.h"
#include "ingestor/snapshot.h"
#include "ingestor/source/sources.h"

#define CHECKPOINT_SHARE 20 /* writing one may take a twentieth of the time */

/* How long the last checkpoint may take, and how much of that a standby waits for. */
#define LAST_MS 5000
#define LAST_HOLDING_MS 500

void ingestor_save(struct ingestor *ingestor)
{
    struct ingestor_saving *saving = &ingestor->saving;
    struct buf bytes = {0};
    const struct snapshot snapshot = {
        .epoch = ingestor->publishing.epoch,
        .ordinal = ingestor->source.ordinal,
        .origin = ingestor->source.origin,
        .source = buf_str(&ingestor->source.state),
        .scheme = str_of(sources_find(ingestor->config)->scheme),
        .as_of = ingestor->clock.lost_rows ? WALL_NEVER : ingestor->clock.reached,
    };
    snapshot_write(&snapshot, ingestor->fold, &bytes);
    saving->bytes = bytes.len;
    saving->under_way = true;
    saving->ordinal = ingestor->source.ordinal;
    saving->since = clock_mono();
    saving->unsaved = false;
    saving->at_once = false;
    reader_save(ingestor->reader, buf_str(&bytes), ingestor->source.record);
    buf_free(&bytes);
}

void ingestor_saved(struct ingestor *ingestor, const struct error *error, bool failed)
{
    struct ingestor_saving *saving = &ingestor->saving;
    const mono_time now = clock_mono();
    const int64_t took_us = now.us - saving->since.us;
    const int64_t interval_us = (failed ? backoff_next_ms(&saving->backoff)
                                        : ingestor->config->ingestor.checkpoint_interval_ms) *
                                US_PER_MS;
    saving->under_way = false;
    saving->due_at = mono_add_us(
        now, took_us * CHECKPOINT_SHARE > interval_us ? took_us * CHECKPOINT_SHARE : interval_us);
    if (!failed) {
        backoff_reset(&saving->backoff);
    }
    saving->saved_ordinal = failed ? saving->saved_ordinal : saving->ordinal;
    saving->written += !failed;
    saving->failures += failed;
    saving->unsaved = saving->unsaved || failed;
    if (failed && !saving->failing) {
        log_error(
            "no checkpoint could be written: %s. Tiles go on; after a crash they are built from "
            "the last one that was. Trying again",
            error->text);
    } else if (!failed && saving->failing) {
        log_info("checkpoints are written again");
    }
    saving->failing = failed;
}

void ingestor_save_if_due(struct ingestor *ingestor)
{
    const struct ingestor_saving *saving = &ingestor->saving;
    const mono_time now = clock_mono();
    const bool due =
        (saving->at_once || now.us >= saving->due_at.us) && now.us >= saving->rows_first_until.us;
    if (ingestor->phase == INGESTOR_LIVE && saving->unsaved && !saving->under_way && due &&
        lease_valid(ingestor->lease)) {
        ingestor_save(ingestor);
    }
}

/* Waits for the checkpoint that is under way, if there is one. */
static void await_saved(struct ingestor *ingestor, int64_t ms)
{
    struct ingestor_saving *saving = &ingestor->saving;
    const mono_time deadline = mono_add_ms(clock_mono(), ms);
    struct reader_message message;
    while (saving->under_way && clock_mono().us < deadline.us) {
        zmq_pollitem_t item = {reader_socket(ingestor->reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 100);
        while (reader_receive(ingestor->reader, &message)) {
            if (message.kind == READER_SAVED || message.kind == READER_SAVE_FAILED) {
                ingestor_saved(ingestor, &message.error, message.kind == READER_SAVE_FAILED);
            } else if (message.kind == READER_LOST && saving->under_way) {
                log_info("the last checkpoint is left to the ingestor that has taken over");
                saving->under_way = false;
            }
            batch_destroy(&message.batch);
            free(message.bytes);
        }
    }
}

/* The lease is given back before a checkpoint that takes long is written: if nobody takes over
 * meanwhile, it is still good, and otherwise it is refused. */
void ingestor_save_at_end(struct ingestor *ingestor)
{
    const struct ingestor_saving *saving = &ingestor->saving;
    if (ingestor->phase != INGESTOR_LIVE || ingestor->publishing.deposed) {
        lease_give_back(ingestor->lease);
        return;
    }
    if (!saving->under_way && saving->unsaved) {
        ingestor_save(ingestor);
    }
    await_saved(ingestor, LAST_HOLDING_MS);
    lease_give_back(ingestor->lease);
    await_saved(ingestor, LAST_MS - LAST_HOLDING_MS);
}
