/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_reader.h"

#include <utlist.h>

#include "common/program/log.h"
#include "common/state/state_store.h"
#include "common/state/table.h"
#include "ingestor/ingestor_alerts.h"
#include "ingestor/ingestor_build.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_past.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/ingestor_save.h"
#include "ingestor/ingestor_tiles.h"
#include "ingestor/snapshot.h"
#include "ingestor/source/several/source_several.h"
#include "ingestor/source/sources.h"

static void start_fold(struct ingestor *ingestor)
{
    fold_destroy(&ingestor->fold);
    ingestor->fold = fold_create(ingestor_tiles(ingestor), ingestor->config->ingestor.own_lanes);
}

/* What a newer version saved may be all that is left of rows that are gone: neither is it written
 * over, nor are tiles published beside it. Returns -1, which ends the loop. */
static int refuse(struct ingestor *ingestor, const struct error *why)
{
    log_error("%s. A newer version of Tilewire wrote it, so this one changes nothing and ends: "
              "start that version again, or remove the state (ingestor.checkpoint) to build all "
              "tiles from the rows that are in the table now",
              why->text);
    ingestor->refused = true;
    return -1;
}

/* Takes over what the state says of the source. */
static void resume(struct ingestor *ingestor, const struct snapshot *snapshot,
                   const struct snapshot_load *how)
{
    buf_append_str(&ingestor->source.state, snapshot->source);
    ingestor->source.pieces = snapshot->pieces;
    ingestor->source.ordinal = snapshot->ordinal;
    ingestor->source.origin = snapshot->origin;
    ingestor->source.again = snapshot->again;
    ingestor->source.delivered = snapshot->delivered;
    publisher_set_position(ingestor->publisher, snapshot->ordinal, snapshot->origin);
    log_info("going on after position %llu; %zu tile definitions have to be built",
             (unsigned long long)snapshot->ordinal, fold_builds(ingestor->fold));
    if (how->legacy) {
        log_info("the checkpoint of a version before 0.2 is taken over");
    }
    if (how->damaged != 0) {
        log_warn("the state of %zu tile definitions is damaged: they are built again from the rows "
                 "that are there",
                 how->damaged);
    }
    if (how->was_ahead) {
        log_warn("the state is of a clock that was ahead of ours: tiles that show a window of time "
                 "are built again");
    }
}

/* What is left when nobody can go on from what was saved. */
static void begin_anew(struct ingestor *ingestor, const struct reader_message *message,
                       const struct snapshot *snapshot, const struct error *why)
{
    start_fold(ingestor); /* It may have been filled in part. */
    dedupe_destroy(&ingestor->dedupe);
    ingestor->dedupe = dedupe_create(ingestor->config);
    ingestor->source.delivered_before = snapshot->delivered;
    ingestor->source.again = (struct snapshot_again){0, 0};
    ingestor->source.state_lost = message->state_lost;
    ingestor->source.record = STATE_JOURNAL_ALL; /* What an earlier life journaled is of no use. */
    if (message->state_lost) {
        log_error("%s. All tiles are built again from the rows that are there; what was folded "
                  "from others is lost, so they say \"complete\": false",
                  why->text);
    } else if (why->text[0] != '\0') {
        log_warn("%s; all tiles are built again from the table", why->text);
    }
    log_info("building all tiles from the events table");
}

/* Takes over which events are known. */
static int go_on_deduping(struct ingestor *ingestor, const struct state_changes *saved,
                          const struct snapshot *snapshot, wall_time now, struct error *err)
{
    const uint64_t unknown = config_has_sources(ingestor->config)
                                 ? source_several_unknown(ingestor->config, snapshot->source)
                                 : 0;
    dedupe_remove(ingestor->dedupe, ingestor->config, saved, now, &ingestor->saving.changes);
    return dedupe_load(ingestor->dedupe, saved, unknown, err);
}

/* Goes on from the state, or folds the table from its first row, now that the lease is ours.
 * Returns what ingestor_handle returns. */
static int on_leader(struct ingestor *ingestor, const struct reader_message *message)
{
    struct snapshot snapshot = {0};
    struct snapshot_load how = {
        .source = sources_find(ingestor->config),
        .config = ingestor->config,
        .table = state_table_of(ingestor->config),
        .now = ingestor_now(ingestor).wall,
    };
    struct error err = message->error;
    int status = STATUS_NOT_FOUND;
    start_fold(ingestor);
    if (message->state != NULL) {
        status = snapshot_load(&snapshot, message->state, &how, ingestor->fold, &err);
        status = status == STATUS_OK
                     ? go_on_deduping(ingestor, message->state, &snapshot, how.now, &err)
                     : status;
    }
    status = ingestor_alerts_go_on(ingestor, message->state, how.now, status, &err);
    if (status == STATUS_NEWER) {
        snapshot_free(&snapshot);
        return refuse(ingestor, &err);
    }
    /* The epoch grows even if the lease's own memory was lost. */
    ingestor->publishing.epoch =
        message->epoch > snapshot.epoch ? message->epoch : snapshot.epoch + 1;
    publisher_begin(ingestor->publisher, ingestor->publishing.epoch);
    buf_clear(&ingestor->source.state);
    snapshot_pieces_anew(&ingestor->source.pieces);
    const bool usable = status == STATUS_OK;
    if (usable) {
        resume(ingestor, &snapshot, &how);
    } else {
        begin_anew(ingestor, message, &snapshot, &err);
    }
    snapshot_free(&snapshot);
    newest_clear(&ingestor->newest);
    ingestor->source.caught_up = false;
    ingestor->source.told = false;
    ingestor->source.saved_epoch = usable ? snapshot.epoch : 0;
    ingestor->phase = usable ? INGESTOR_RESUMING : INGESTOR_BUILDING;
    snprintf(ingestor->answering.reason, sizeof ingestor->answering.reason,
             "the ingestor has just started, and reads the events table");
    reader_begin(ingestor->reader, usable ? buf_str(&ingestor->source.state) : STR_NULL,
                 ingestor->publishing.epoch);
    /* What changed is saved at once, so that the next start takes a greater epoch, whatever its
     * clock says. Whoever goes on publishes first what has come meanwhile: a disk may take seconds.
     */
    ingestor->saving.unsaved = true;
    ingestor->saving.at_once = true;
    if (!usable) {
        ingestor_save(ingestor);
    }
    return 0;
}

/* Begins the tiles anew, as the table did. */
static void on_restart(struct ingestor *ingestor)
{
    ingestor->source.restarts++;
    ingestor->source.delivered = 0;
    ingestor->source.delivered_before = 0;
    ingestor->source.gone = 0;
    ingestor_build_stop(ingestor);
    start_fold(ingestor);
    dedupe_clear(ingestor->dedupe, UINT64_MAX);
    newest_clear(&ingestor->newest);
    ingestor->phase = INGESTOR_BUILDING;
}

/* Builds the tiles of sources anew, as their tables did; the others stay. */
static void on_sources_anew(struct ingestor *ingestor, uint64_t sources)
{
    ingestor->source.restarts++;
    ingestor->source.gone &= ~sources;
    fold_sources_anew(ingestor->fold, sources);
    dedupe_clear(ingestor->dedupe, sources);
    ingestor->build.anew = true;
    ingestor->saving.at_once = true;
    log_warn("a table of several sources was replaced or started over: tiles that count its rows "
             "are built anew");
}

/* How many rows each source has delivered. */
static void note_delivered(struct ingestor *ingestor, const struct batch *batch)
{
    struct ingestor_source *source = &ingestor->source;
    const size_t count = config_has_sources(ingestor->config) ? ingestor->config->source_count : 0;
    source->delivered = count != 0 ? 0 : source->delivered;
    source->delivered_of[0] = source->delivered;
    for (size_t i = 0; i < count; i++) {
        source->delivered_of[i] = batch->delivered_of[i];
        source->delivered += batch->delivered_of[i];
    }
}

/* Ends the history. If the table holds none of the events that were delivered, the log begins
 * behind the last of them, so that a client that knows one is told `reset`. */
static void close_history(struct ingestor *ingestor)
{
    struct eventlog *events = publisher_events(ingestor->publisher);
    if (eventlog_last(events) == 0) {
        eventlog_skip_to(events, ingestor->source.ordinal);
    }
}

static void note_pending(struct ingestor *ingestor, const struct batch *batch)
{
    ingestor->source.pending_ids = batch->pending_ids;
    ingestor->source.given_up = batch->given_up;
    ingestor->source.pending_since = batch->pending_since;
    ingestor->clock.database = batch->database_clock;
}

/* Takes events that were delivered before the state was saved, which are for the event log alone.
 */
static void on_history(struct ingestor *ingestor, struct batch *batch, struct moment now)
{
    struct eventlog *events = publisher_events(ingestor->publisher);
    publisher_set_position(ingestor->publisher, ingestor->source.ordinal, batch->origin);
    note_pending(ingestor, batch);
    note_delivered(ingestor, batch);
    if (batch->count != 0 && eventlog_last(events) == 0) {
        eventlog_skip_to(events, batch->events[0].ordinal - 1);
    }
    dedupe_past(ingestor->dedupe, batch);
    for (size_t i = 0; i < batch->count; i++) {
        publisher_event(ingestor->publisher, &batch->events[i], now, true);
    }
    if (!batch->more) {
        close_history(ingestor);
        ingestor_go_live(ingestor, now);
        ingestor_build_next(ingestor);
    }
}

/* Puts the newest of the events that all tiles were built from into the event log. */
static void log_newest(struct ingestor *ingestor, struct moment now)
{
    const struct batch *batch;
    if (ingestor->newest.floor != 0) {
        eventlog_skip_to(publisher_events(ingestor->publisher), ingestor->newest.floor);
    }
    DL_FOREACH(ingestor->newest.batches, batch)
    {
        for (size_t i = 0; i < batch->count; i++) {
            publisher_event(ingestor->publisher, &batch->events[i], now, true);
        }
    }
    newest_clear(&ingestor->newest);
}

/* Folds the batch's events, and publishes them when live. */
static void fold_events(struct ingestor *ingestor, const struct batch *batch, struct moment now)
{
    const bool live = ingestor->phase == INGESTOR_LIVE;
    const bool timely = live && !batch->more; /* others are read long after they were written */
    publisher_set_position(ingestor->publisher, batch->ordinal, batch->origin);
    for (size_t i = 0; i < batch->count; i++) {
        fold_event(ingestor->fold, &batch->events[i], now);
        if (timely) {
            row_times_add(&ingestor->clock.rows, batch->events[i].timestamp,
                          batch->events[i].arrival, now.mono);
        }
        if (live) {
            publisher_event(ingestor->publisher, &batch->events[i], ingestor_now(ingestor), false);
        }
    }
}

/* Of several sources one may be read for the first time while the others are live. Called before
 * the batch's rows are counted. */
static void note_first_rows(struct ingestor *ingestor, const struct batch *batch, struct moment now)
{
    const struct ingestor_source *source = &ingestor->source;
    uint64_t begun = ~source->missing;
    for (size_t i = 0; ingestor->phase == INGESTOR_LIVE && i < batch->count; i++) {
        const struct event *event = &batch->events[i];
        const uint64_t bit = UINT64_C(1) << event->source;
        if ((begun & bit) == 0 && source->delivered_of[event->source] == 0) {
            fold_source_begins(ingestor->fold, event, now);
        }
        begun |= bit;
    }
}

/* Takes the batch over, and destroys it or keeps it in `newest`. */
static void fold_batch(struct ingestor *ingestor, struct batch *batch, struct moment now)
{
    if (batch->restarted) {
        on_restart(ingestor);
    } else if (ingestor->phase == INGESTOR_RESUMING) {
        close_history(ingestor);
        ingestor_go_live(ingestor, now); /* there was no history */
    }
    if (batch->anew_of != 0) {
        on_sources_anew(ingestor, batch->anew_of);
    }
    if (ingestor->phase == INGESTOR_LIVE && (batch_gone(batch) & ~ingestor->source.gone) != 0) {
        fold_sources_gone(ingestor->fold, batch_gone(batch), now);
    }
    ingestor->source.gone |= batch_gone(batch);
    note_first_rows(ingestor, batch, now);
    ingestor->source.delivered += batch->count;
    note_delivered(ingestor, batch);
    dedupe_new(ingestor->dedupe, batch);
    fold_events(ingestor, batch, now);
    if (!batch->state_appends) {
        buf_clear(&ingestor->source.state);
        snapshot_pieces_anew(&ingestor->source.pieces);
    }
    buf_append_str(&ingestor->source.state, batch->state);
    ingestor->source.ordinal = batch->ordinal;
    ingestor->source.pushed = config_has_sources(ingestor->config) ? batch->pushed : batch->ordinal;
    ingestor->source.origin = batch->origin;
    ingestor->source.record = batch->record;
    ingestor->source.caught_up = !batch->more;
    ingestor->source.rows_unusable += batch->unusable;
    note_pending(ingestor, batch);
    ingestor->saving.unsaved = true;
    if (ingestor->phase == INGESTOR_LIVE) {
        ingestor_flush(ingestor, ingestor_now(ingestor)); /* Folding took its time. */
        if (!batch->more) {
            ingestor->saving.rows_first_until = (mono_time){0};
        }
        batch_destroy(&batch);
        ingestor_build_next(ingestor);
        return;
    }
    const bool more = batch->more;
    newest_add(&ingestor->newest, batch, ingestor->config->ingestor.events,
               ingestor->config->ingestor.events_memory_bytes);
    if (!more) {
        log_newest(ingestor, now);
        ingestor_go_live(ingestor, now);
        ingestor_build_next(ingestor); /* one of several tables may have begun anew meanwhile */
    }
}

static void on_batch(struct ingestor *ingestor, struct batch *batch)
{
    ingestor_note_past(ingestor, batch);
    const struct moment now = ingestor_now(ingestor);
    if (batch->history) {
        on_history(ingestor, batch, now);
        batch_destroy(&batch);
    } else {
        fold_batch(ingestor, batch, now);
    }
    reader_credit(ingestor->reader);
}

static void on_up(struct ingestor *ingestor)
{
    if (!ingestor->source.up && !config_has_sources(ingestor->config)) { /* each says so itself */
        log_info("source %s is read", ingestor->config->source.uri);
    }
    ingestor->source.up = true;
}

static void on_down(struct ingestor *ingestor, const struct error *error)
{
    ingestor->source.up = false;
    ingestor->source.downs++;
    log_error("%s; trying again%s", error->text,
              ingestor->phase == INGESTOR_LIVE ? ", and publishing nothing until it is read" : "");
    if (ingestor->phase != INGESTOR_LIVE) {
        snprintf(ingestor->answering.reason, sizeof ingestor->answering.reason, "%s", error->text);
    }
}

/* Of several sources others cannot be read than before, or have not come to their end yet. */
static void on_missing(struct ingestor *ingestor, const struct reader_message *message)
{
    const struct config *config = ingestor->config;
    const uint64_t before = ingestor->source.missing;
    const uint64_t all =
        config->source_count >= 64 ? UINT64_MAX : (UINT64_C(1) << config->source_count) - 1;
    for (size_t i = 0; i < config->source_count; i++) {
        if ((before & ~message->missing) >> i & 1) {
            log_info("source %s is read", config->sources[i].name);
        }
    }
    ingestor->source.missing = message->missing;
    ingestor->source.up = message->missing != all;
    if (ingestor->phase == INGESTOR_LIVE && (before & ~message->missing) != 0) {
        ingestor_publish_all(ingestor, ingestor_now(ingestor));
    }
}

/* One of several sources cannot be read. */
static void on_trouble(struct ingestor *ingestor, const struct reader_message *message)
{
    ingestor->source.downs++;
    log_error(
        "%s; trying again. Tiles of source %s, and of all sources, are not confirmed until it "
        "is read",
        message->error.text, ingestor->config->sources[message->source].name);
}

/* True when this is not what the ingestor said last about why it does not serve. */
static bool is_news(struct ingestor *ingestor, const struct error *error)
{
    const bool news = strcmp(ingestor->answering.reason, error->text) != 0;
    snprintf(ingestor->answering.reason, sizeof ingestor->answering.reason, "%s", error->text);
    return news;
}

static void on_standby(struct ingestor *ingestor, const struct error *error)
{
    if (is_news(ingestor, error)) {
        log_info("standing by: %s", error->text);
    }
}

/* Nothing gets better by itself where a right is missing, so this is no state like another. */
static void on_blocked(struct ingestor *ingestor, const struct error *error)
{
    if (!is_news(ingestor, error)) {
        return;
    }
    if (ingestor->config->ingestor.checkpoint == CHECKPOINT_FILE) {
        log_error("standing by: %s. The ingestor has to be able to write its state, and lock files "
                  "beside it, at %s: let its user write in that folder, or set "
                  "ingestor.checkpoint to a file in another",
                  error->text, ingestor->config->ingestor.checkpoint_path);
    } else {
        log_error("standing by: %s; trying again",
                  error->text); /* it names the key where one helps */
    }
}

int ingestor_stand_down(struct ingestor *ingestor, const struct error *why)
{
    log_error("%s; another ingestor may have taken over: falling silent and standing by",
              why->text);
    ingestor->publishing.deposed = true;
    ingestor->start_again = true;
    return -1;
}

/* The tiles are made of rows that may be gone, and their ids others'. What the database holds of
 * ours went back together with its rows. */
static int go_back(struct ingestor *ingestor, const struct error *why)
{
    log_warn("%s: starting again from the state that it holds now", why->text);
    ingestor->publishing.deposed = true; /* so that nothing is sent or saved any more */
    ingestor->start_again = true;
    return -1;
}

int ingestor_handle(struct ingestor *ingestor, struct reader_message *message)
{
    switch (message->kind) {
    case READER_STANDBY:
        on_standby(ingestor, &message->error);
        break;
    case READER_BLOCKED:
        on_blocked(ingestor, &message->error);
        break;
    case READER_LEADER: {
        const int result = on_leader(ingestor, message);
        reader_message_free(message);
        return result;
    }
    case READER_UP:
        on_up(ingestor);
        break;
    case READER_DOWN:
        on_down(ingestor, &message->error);
        break;
    case READER_MISSING:
        on_missing(ingestor, message);
        break;
    case READER_TROUBLE:
        on_trouble(ingestor, message);
        break;
    case READER_BATCH:
        on_batch(ingestor, message->batch);
        break;
    case READER_SAVED:
    case READER_SAVE_FAILED:
    case READER_STATE_LOST:
        ingestor_saved(ingestor, message);
        break;
    case READER_LOST:
        return ingestor_stand_down(ingestor, &message->error);
    case READER_REFUSED:
        return refuse(ingestor, &message->error);
    case READER_OTHER_PAST:
        return go_back(ingestor, &message->error);
    case READER_STOPPED:
        break;
    }
    return 0;
}
