/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_save.h"

#include "common/program/log.h"
#include "common/state/table.h"
#include "ingestor/alerts/alert_record.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_push.h"
#include "ingestor/snapshot.h"
#include "ingestor/source/sources.h"

#define SAVING_SHARE 20                /* it may take a twentieth of the time */
#define UNSAVED_MAX ((size_t)64 << 20) /* bytes of changes that wait for a store that fails */
#define UNSAVED_KEPT ((size_t)1 << 20) /* bytes of memory that are kept for the next changes */

/* How long the last save may take, and how much of that a standby waits for. */
#define LAST_MS 5000
#define LAST_HOLDING_MS 500

void ingestor_save(struct ingestor *ingestor)
{
    struct ingestor_saving *saving = &ingestor->saving;
    struct ingestor_source *source = &ingestor->source;
    if (state_changes_bytes(&saving->changes) > UNSAVED_MAX) {
        /* It could not be stored for long: everything takes less than all that has changed. */
        fold_unsave(ingestor->fold, &saving->changes);
        dedupe_unsave(ingestor->dedupe);
        alert_record_unsave(&ingestor->alerting.book);
        snapshot_pieces_anew(&source->pieces);
    }
    const struct snapshot snapshot = {
        .epoch = ingestor->publishing.epoch,
        .ordinal = source->ordinal,
        .origin = source->origin,
        .source = buf_str(&source->state),
        .scheme = str_of(sources_find(ingestor->config)->scheme),
        .table = state_table_of(ingestor->config),
        .delivered = source->delivered,
        .as_of = ingestor->clock.reached,
        .again = source->again,
    };
    const wall_time now = ingestor_now(ingestor).wall;
    fold_save(ingestor->fold, now, &saving->changes);
    dedupe_save(ingestor->dedupe, now, &saving->changes);
    alert_record_save(&ingestor->alerting.book, &saving->changes);
    snapshot_put(&snapshot, &source->pieces, &saving->changes);
    saving->bytes = saving->changes.values.len;
    saving->under_way = true;
    saving->ordinal = source->ordinal;
    saving->pushed = source->pushed;
    saving->since = clock_mono();
    saving->unsaved = false;
    saving->at_once = false;
    reader_save(ingestor->reader, &saving->changes, source->record);
}

/* What was not stored stays in the list, and goes with the next. */
static void note_failure(struct ingestor *ingestor, const struct error *error, bool lost)
{
    struct ingestor_saving *saving = &ingestor->saving;
    saving->failures++;
    saving->unsaved = true;
    if (lost) {
        saving->lost++;
        state_changes_free(&saving->changes);
        fold_unsave_all(ingestor->fold);
        dedupe_unsave(ingestor->dedupe);
        alert_record_unsave(&ingestor->alerting.book);
        snapshot_pieces_anew(&ingestor->source.pieces);
        log_error("the state's store is damaged: %s. Tiles go on, and all that they know is stored "
                  "anew",
                  error->text);
    } else if (!saving->failing) {
        log_error("the state cannot be saved: %s. Tiles go on; after a crash they go on from what "
                  "was saved last. Trying again",
                  error->text);
    }
}

void ingestor_saved(struct ingestor *ingestor, const struct reader_message *message)
{
    struct ingestor_saving *saving = &ingestor->saving;
    const bool failed = message->kind != READER_SAVED;
    const mono_time now = clock_mono();
    const int64_t took_us = now.us - saving->since.us;
    const int64_t interval_us = (failed ? backoff_next_ms(&saving->backoff)
                                        : ingestor->config->ingestor.checkpoint_interval_ms) *
                                US_PER_MS;
    saving->under_way = false;
    saving->due_at = mono_add_us(now, took_us * SAVING_SHARE > interval_us ? took_us * SAVING_SHARE
                                                                           : interval_us);
    if (failed) {
        note_failure(ingestor, &message->error, message->kind == READER_STATE_LOST);
    } else {
        backoff_reset(&saving->backoff);
        saving->saved_ordinal = saving->ordinal;
        saving->saved_pushed = saving->pushed;
        saving->written++;
        ingestor_push_saved(ingestor);
        state_changes_clear(&saving->changes);
        if (state_changes_bytes(&saving->changes) > UNSAVED_KEPT) {
            state_changes_free(&saving->changes);
        }
        if (saving->failing) {
            log_info("the state is saved again");
        }
    }
    saving->failing = failed;
}

/* Rows that were put off are read again, and of duplicates so many are known no more that the
 * reading decides anew which rows count: it knows by those that came before, and another life could
 * not go on in the middle of it. */
static bool must_not_save(const struct ingestor *ingestor)
{
    return fold_put_off_reading(ingestor->fold) != NULL && dedupe_past_decides(ingestor->dedupe);
}

void ingestor_save_if_due(struct ingestor *ingestor)
{
    const struct ingestor_saving *saving = &ingestor->saving;
    const mono_time now = clock_mono();
    const bool due =
        (saving->at_once || now.us >= saving->due_at.us) && now.us >= saving->rows_first_until.us;
    if (ingestor->phase == INGESTOR_LIVE && saving->unsaved && !saving->under_way && due &&
        !must_not_save(ingestor) && lease_valid(ingestor->lease)) {
        ingestor_save(ingestor);
    }
}

/* Waits for the save that is under way, if there is one. */
static void await_saved(struct ingestor *ingestor, int64_t ms)
{
    struct ingestor_saving *saving = &ingestor->saving;
    const mono_time deadline = mono_add_ms(clock_mono(), ms);
    struct reader_message message;
    while (saving->under_way && clock_mono().us < deadline.us) {
        zmq_pollitem_t item = {reader_socket(ingestor->reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 100);
        while (reader_receive(ingestor->reader, &message)) {
            if (message.kind == READER_SAVED || message.kind == READER_SAVE_FAILED ||
                message.kind == READER_STATE_LOST) {
                ingestor_saved(ingestor, &message);
            } else if (message.kind == READER_LOST && saving->under_way) {
                log_info("what is not saved is left to the ingestor that has taken over");
                saving->under_way = false;
            }
            reader_message_free(&message);
        }
    }
}

/* The lease is given back before a save that takes long is done: if nobody takes over
 * meanwhile, it is still good, and otherwise it is refused. */
void ingestor_save_at_end(struct ingestor *ingestor)
{
    const struct ingestor_saving *saving = &ingestor->saving;
    if (ingestor->phase != INGESTOR_LIVE || ingestor->publishing.deposed) {
        lease_give_back(ingestor->lease);
        return;
    }
    if (!saving->under_way && saving->unsaved && !must_not_save(ingestor)) {
        ingestor_save(ingestor);
    }
    await_saved(ingestor, LAST_HOLDING_MS);
    lease_give_back(ingestor->lease);
    await_saved(ingestor, LAST_MS - LAST_HOLDING_MS);
}
