/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/log.h"
#include "ingestor/ingestor_state.h"
#include "ingestor/snapshot.h"

#define CHECKPOINT_SHARE 20 /* writing one may take a twentieth of the time */

void ingestor_save(struct ingestor *ingestor)
{
    struct buf bytes = {0};
    const struct snapshot snapshot = {
        .epoch = ingestor->epoch,
        .ordinal = ingestor->ordinal,
        .origin = ingestor->origin,
        .source = buf_str(&ingestor->source_state),
    };
    snapshot_write(&snapshot, ingestor->fold, &bytes);
    ingestor->checkpoint_bytes = bytes.len;
    ingestor->saving = true;
    ingestor->saving_ordinal = ingestor->ordinal;
    ingestor->saving_since = clock_mono();
    ingestor->unsaved = false;
    ingestor->built = false;
    reader_save(ingestor->reader, buf_str(&bytes), ingestor->record);
    buf_free(&bytes);
}

void ingestor_saved(struct ingestor *ingestor, const struct error *error, bool failed)
{
    const mono_time now = clock_mono();
    const int64_t took_us = now.us - ingestor->saving_since.us;
    const int64_t interval_us = (failed ? backoff_next_ms(&ingestor->save_backoff)
                                        : ingestor->config->ingestor.checkpoint_interval_ms) *
                                US_PER_MS;
    ingestor->saving = false;
    ingestor->save_at = mono_add_us(
        now, took_us * CHECKPOINT_SHARE > interval_us ? took_us * CHECKPOINT_SHARE : interval_us);
    if (!failed) {
        backoff_reset(&ingestor->save_backoff);
    }
    ingestor->saved_ordinal = failed ? ingestor->saved_ordinal : ingestor->saving_ordinal;
    ingestor->checkpoints += !failed;
    ingestor->checkpoint_failures += failed;
    ingestor->unsaved = ingestor->unsaved || failed;
    if (failed && !ingestor->save_failing) {
        log_error(
            "no checkpoint could be written: %s. Tiles go on; after a crash they are built from "
            "the last one that was. Trying again",
            error->text);
    } else if (!failed && ingestor->save_failing) {
        log_info("checkpoints are written again");
    }
    ingestor->save_failing = failed;
}

void ingestor_save_if_due(struct ingestor *ingestor)
{
    const bool due = ingestor->built || clock_mono().us >= ingestor->save_at.us;
    if (ingestor->phase == PHASE_LIVE && ingestor->unsaved && !ingestor->saving && due &&
        lease_valid(ingestor->lease)) {
        ingestor_save(ingestor);
    }
}

void ingestor_save_at_end(struct ingestor *ingestor)
{
    const mono_time deadline = mono_add_ms(clock_mono(), 5000);
    struct reader_message message;
    if (ingestor->phase != PHASE_LIVE || ingestor->deposed) {
        return;
    }
    if (!ingestor->saving && ingestor->unsaved) {
        ingestor_save(ingestor);
    }
    while (ingestor->saving && clock_mono().us < deadline.us) {
        zmq_pollitem_t item = {reader_socket(ingestor->reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 100);
        while (reader_receive(ingestor->reader, &message)) {
            if (message.kind == READER_SAVED || message.kind == READER_SAVE_FAILED) {
                ingestor_saved(ingestor, &message.error, message.kind == READER_SAVE_FAILED);
            }
            batch_destroy(&message.batch);
            free(message.bytes);
        }
    }
}
