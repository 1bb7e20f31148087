#include "ingestor/ingestor.h"

#include <czmq.h>
#include <utlist.h>

#include "common/backoff.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/server.h"
#include "common/sockets.h"
#include "common/xalloc.h"
#include "ingestor/checkpoint.h"
#include "ingestor/fold.h"
#include "ingestor/lease.h"
#include "ingestor/newest.h"
#include "ingestor/publisher.h"
#include "ingestor/reader.h"
#include "ingestor/snapshot.h"

#define BEAT_MS 1000
#define SILENT_LOOK_MS 100 /* how often a silent ingestor looks whether it may speak again */
#define QUERY_BUDGET 50
#define BATCH_BUDGET 4      /* batches folded before others get their turn */
#define CHECKPOINT_SHARE 20 /* writing one may take a twentieth of the time */
#define CHECKPOINT_RETRY_MAX_MS 5000
#define END_S 7 /* after SIGTERM; a last checkpoint may take 5 */

/*
 *            lease, checkpoint ┌─► resuming ── the event log is filled again ──┐
 * standby ─────────────────────┤                                              ├─► live
 *            lease, none       └─► building ── caught up for the first time ──┘
 *
 * What came since a checkpoint is folded and published live, so that subscribers get it; what a new
 * fold is built from is not.
 *
 * Nothing leaves while the lease is not valid (lease.h), or while the source cannot be read: then
 * nobody knows whether the tiles are true, and without beats and keyframes everybody sees that.
 */
enum phase { PHASE_STANDBY, PHASE_RESUMING, PHASE_BUILDING, PHASE_LIVE };

struct ingestor {
    struct program *program;
    const struct config *config;
    void *pub;
    struct server *server;
    struct query query;
    struct lease *lease;
    struct reader *reader;
    struct fold *fold; /* NULL on standby */
    struct publisher *publisher;
    struct newest newest; /* PHASE_BUILDING */
    zloop_t *loop;
    int timer; /* 0: none */
    enum phase phase;
    enum ingestor_end end;
    char instance[64];
    char reason[600]; /* why it does not serve */
    bool source_up;
    bool silent;     /* for want of the lease, as last logged */
    bool deposed;    /* something could not be sent for want of the lease: this life is over */
    wall_time as_of; /* when what is published was last known to be true */
    uint64_t epoch;
    struct buf source_state; /* after the last batch folded */
    uint64_t ordinal;
    uint64_t origin;
    uint64_t record; /* of the source's journal: the last one in source_state */
    struct moment beat_at;
    mono_time save_at;
    bool unsaved; /* something was folded since the last checkpoint */
    bool built; /* everything was: the next checkpoint is due at once, for without it a crash would
                   cost the streams their places */
    bool saving;
    mono_time saving_since;
    uint64_t saving_ordinal;
    uint64_t saved_ordinal;
    bool save_failing;
    struct backoff save_backoff;
    uint64_t rows_unusable;
    uint64_t pending_ids; /* of the source: see holes.h */
    uint64_t given_up;
    wall_time pending_since;
    uint64_t checkpoints;
    uint64_t checkpoint_failures;
    uint64_t checkpoint_bytes;
    uint64_t restarts; /* times that the table began anew */
    uint64_t not_sent;
    uint64_t reader_downs;
};

/* ---- Publishing ---- */

/* The one way out. The clock is looked at for each message, for between two a process may have been
 * stopped for an hour. What could not be sent has a number already, so it cannot be left out: there
 * must be a new life, with a new epoch. */
static void send_frames(void *arg, const struct str frames[WIRE_FRAMES])
{
    struct ingestor *ingestor = arg;
    ingestor->deposed = ingestor->deposed || !lease_hold(ingestor->lease);
    if (!ingestor->deposed) {
        ingestor->not_sent += !socket_send(ingestor->pub, frames, WIRE_FRAMES);
    }
}

static bool may_publish(const struct ingestor *ingestor)
{
    return ingestor->phase == PHASE_LIVE && ingestor->source_up && !ingestor->deposed &&
           lease_valid(ingestor->lease);
}

struct publishing {
    struct ingestor *ingestor;
    struct moment now;
};

static void publish_tile(void *arg, const struct fold_output *output)
{
    struct publishing *publishing = arg;
    publisher_tile(publishing->ingestor->publisher, output, publishing->now);
}

static void flush(struct ingestor *ingestor, struct moment now)
{
    struct publishing publishing = {ingestor, now};
    fold_advance(ingestor->fold, now);
    fold_flush(ingestor->fold, now, publish_tile, &publishing);
    ingestor->as_of = now.wall;
}

static void go_live(struct ingestor *ingestor, struct moment now)
{
    ingestor->built = ingestor->built || ingestor->phase == PHASE_BUILDING;
    ingestor->phase = PHASE_LIVE;
    const uint32_t mark = publisher_mark(ingestor->publisher);
    fold_republish(ingestor->fold);
    flush(ingestor, now);
    publisher_sweep(ingestor->publisher, mark, now);
    publisher_beat(ingestor->publisher, now);
    log_info("ready component=ingestor publish=%s query=%s position=%s tiles=%zu",
             ingestor->config->ingestor.publish, ingestor->config->ingestor.query,
             publisher_position_text(ingestor->publisher),
             store_count(publisher_store(ingestor->publisher)));
}

/* ---- Checkpoints ---- */

static void save(struct ingestor *ingestor)
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

static void on_saved(struct ingestor *ingestor, const struct error *error, bool failed)
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

/* ---- The reader's messages ---- */

static void start_fold(struct ingestor *ingestor)
{
    fold_destroy(&ingestor->fold);
    ingestor->fold = fold_create(ingestor->config, ingestor->config->ingestor.own_lanes);
}

/* The lease is ours: go on from the checkpoint, or fold the table from its first row. */
static void on_leader(struct ingestor *ingestor, const struct reader_message *message)
{
    struct snapshot snapshot = {0};
    struct error err = message->error;
    bool usable = false;
    start_fold(ingestor);
    if (message->bytes != NULL) {
        usable = snapshot_read(&snapshot, (struct str){message->bytes, message->len},
                               ingestor->fold, &err) == STATUS_OK;
        if (!usable) {
            start_fold(ingestor); /* it may have been filled in part */
        }
    }
    if (err.text[0] != '\0') {
        log_warn("%s; all tiles are built again from the table", err.text);
    }
    /* Greater even if the lease's own memory was lost. */
    ingestor->epoch = message->epoch > snapshot.epoch ? message->epoch : snapshot.epoch + 1;
    publisher_begin(ingestor->publisher, ingestor->epoch);
    buf_clear(&ingestor->source_state);
    if (usable) {
        buf_append_str(&ingestor->source_state, snapshot.source);
        ingestor->ordinal = snapshot.ordinal;
        ingestor->origin = snapshot.origin;
        publisher_position(ingestor->publisher, snapshot.ordinal, snapshot.origin);
        log_info("going on after position %llu, from a checkpoint of %zu bytes",
                 (unsigned long long)snapshot.ordinal, message->len);
    } else {
        ingestor->record = JOURNAL_ALL; /* what an earlier life journaled is of no use any more */
        log_info("building all tiles from the events table");
    }
    newest_clear(&ingestor->newest);
    ingestor->phase = usable ? PHASE_RESUMING : PHASE_BUILDING;
    snprintf(ingestor->reason, sizeof ingestor->reason,
             "the ingestor has just started, and reads the events table");
    reader_begin(ingestor->reader, usable ? buf_str(&ingestor->source_state) : STR_NULL,
                 ingestor->epoch);
    save(ingestor); /* so that the next start has a greater epoch, whatever its clock says */
}

/* The table began anew: so do the tiles. */
static void on_restart(struct ingestor *ingestor)
{
    ingestor->restarts++;
    start_fold(ingestor);
    newest_clear(&ingestor->newest);
    ingestor->phase = PHASE_BUILDING;
}

/* What was delivered before and is not in the table any more must not look as if it had never been.
 */
static void close_history(struct ingestor *ingestor)
{
    struct eventlog *events = publisher_events(ingestor->publisher);
    if (eventlog_last(events) == 0) {
        eventlog_skip_to(events, ingestor->ordinal);
    }
}

static void note_pending(struct ingestor *ingestor, const struct batch *batch)
{
    ingestor->pending_ids = batch->pending_ids;
    ingestor->given_up = batch->given_up;
    ingestor->pending_since = batch->pending_since;
}

/* Events delivered before the checkpoint: for the event log alone. */
static void on_history(struct ingestor *ingestor, const struct batch *batch, struct moment now)
{
    struct eventlog *events = publisher_events(ingestor->publisher);
    publisher_position(ingestor->publisher, ingestor->ordinal, batch->origin);
    note_pending(ingestor, batch);
    if (batch->count != 0 && eventlog_last(events) == 0) {
        eventlog_skip_to(events, batch->events[0].ordinal - 1);
    }
    for (size_t i = 0; i < batch->count; i++) {
        publisher_event(ingestor->publisher, &batch->events[i], now, true);
    }
    if (!batch->more) {
        close_history(ingestor);
        go_live(ingestor, now);
    }
}

/* All tiles are built: what the event log can hold of what they were built from goes there. */
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
    const bool live = ingestor->phase == PHASE_LIVE;
    publisher_position(ingestor->publisher, batch->ordinal, batch->origin);
    for (size_t i = 0; i < batch->count; i++) {
        fold_event(ingestor->fold, &batch->events[i], now);
        if (live) {
            publisher_event(ingestor->publisher, &batch->events[i], clock_now(), false);
        }
    }
}

/* Takes the batch over. */
static void fold_batch(struct ingestor *ingestor, struct batch *batch, struct moment now)
{
    if (batch->restarted) {
        on_restart(ingestor);
    } else if (ingestor->phase == PHASE_RESUMING) {
        close_history(ingestor);
        go_live(ingestor, now); /* there was no history */
    }
    fold_events(ingestor, batch, now);
    buf_clear(&ingestor->source_state);
    buf_append_str(&ingestor->source_state, batch->state);
    ingestor->ordinal = batch->ordinal;
    ingestor->origin = batch->origin;
    ingestor->record = batch->record;
    ingestor->rows_unusable += batch->unusable;
    note_pending(ingestor, batch);
    ingestor->unsaved = true;
    if (ingestor->phase == PHASE_LIVE) {
        flush(ingestor, clock_now()); /* folding took its time */
        batch_destroy(&batch);
        return;
    }
    const bool more = batch->more;
    newest_add(&ingestor->newest, batch, ingestor->config->ingestor.events);
    if (!more) {
        log_newest(ingestor, now);
        go_live(ingestor, now);
    }
}

static void on_batch(struct ingestor *ingestor, struct batch *batch)
{
    const struct moment now = clock_now();
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
    if (!ingestor->source_up) {
        log_info("source %s is read", ingestor->config->source.uri);
    }
    ingestor->source_up = true;
}

static void on_down(struct ingestor *ingestor, const struct error *error)
{
    ingestor->source_up = false;
    ingestor->reader_downs++;
    log_error("%s; trying again%s", error->text,
              ingestor->phase == PHASE_LIVE ? ", and publishing nothing until it is read" : "");
    if (ingestor->phase != PHASE_LIVE) {
        snprintf(ingestor->reason, sizeof ingestor->reason, "%s", error->text);
    }
}

static void on_standby(struct ingestor *ingestor, const struct error *error)
{
    if (strcmp(ingestor->reason, error->text) != 0) {
        snprintf(ingestor->reason, sizeof ingestor->reason, "%s", error->text);
        log_info("standing by: %s", error->text);
    }
}

/* Returns -1, which ends the loop. */
static int stand_down(struct ingestor *ingestor, const struct error *why)
{
    log_error("%s; another ingestor may have taken over: falling silent and standing by",
              why->text);
    ingestor->deposed = true;
    ingestor->end = INGESTOR_AGAIN;
    return -1;
}

static int handle(struct ingestor *ingestor, struct reader_message *message)
{
    switch (message->kind) {
    case READER_STANDBY:
        on_standby(ingestor, &message->error);
        break;
    case READER_LEADER:
        on_leader(ingestor, message);
        free(message->bytes);
        break;
    case READER_UP:
        on_up(ingestor);
        break;
    case READER_DOWN:
        on_down(ingestor, &message->error);
        break;
    case READER_BATCH:
        on_batch(ingestor, message->batch);
        break;
    case READER_SAVED:
    case READER_SAVE_FAILED:
        on_saved(ingestor, &message->error, message->kind == READER_SAVE_FAILED);
        break;
    case READER_LOST:
        return stand_down(ingestor, &message->error);
    case READER_STOPPED:
        break;
    }
    return 0;
}

/* ---- Queries ---- */

static void describe(void *arg, struct query_state *out)
{
    struct ingestor *ingestor = arg;
    out->role = "ingestor";
    out->instance = ingestor->instance;
    out->serving = ingestor->phase == PHASE_LIVE;
    out->reason = ingestor->reason;
    out->lanes = ingestor->config->ingestor.lanes;
    out->position = "0";
    out->as_of = may_publish(ingestor) ? clock_wall() : ingestor->as_of;
    if (ingestor->publisher == NULL) {
        return;
    }
    out->lanes_owned = ingestor->config->ingestor.own_lanes;
    out->position = publisher_position_text(ingestor->publisher);
    for (unsigned i = 0; i < out->lanes; i++) {
        out->last[i] = publisher_last(ingestor->publisher, i);
    }
}

/* How long the longest missing id has been missing. */
static uint64_t pending_s(const struct ingestor *ingestor)
{
    const int64_t us = clock_wall().us - ingestor->pending_since.us;
    return ingestor->pending_ids != 0 && us > 0 ? (uint64_t)(us / US_PER_S) : 0;
}

static size_t stats(void *arg, struct buf *out)
{
    struct ingestor *ingestor = arg;
    static const struct fold_counters none;
    static const struct publisher_counters nothing;
    const struct fold_counters *f = ingestor->fold != NULL ? fold_counters(ingestor->fold) : &none;
    const struct publisher_counters *p =
        ingestor->publisher != NULL ? publisher_counters(ingestor->publisher) : &nothing;
    const struct metric metrics[] = {
        {"position", ingestor->ordinal},
        {"epoch", ingestor->epoch},
        {"lease_valid", lease_valid(ingestor->lease)},
        {"source_up", ingestor->source_up},
        {"source_failures", ingestor->reader_downs},
        {"events_folded", f->events},
        {"rows_unusable", ingestor->rows_unusable},
        {"ids_pending", ingestor->pending_ids},
        {"ids_pending_for_s", pending_s(ingestor)},
        {"id_ranges_given_up", ingestor->given_up},
        {"payloads_unusable", f->bad_payloads},
        {"fields_unusable", f->bad_fields},
        {"groups_refused", f->groups_refused},
        {"items_refused", f->items_refused},
        {"future_rows_dropped", f->future_dropped},
        {"deltas_published", p->deltas},
        {"keyframes_published", p->keyframes},
        {"unchanged_tiles", p->unchanged},
        {"events_published", p->events},
        {"messages_not_sent", ingestor->not_sent},
        {"checkpoints_written", ingestor->checkpoints},
        {"checkpoint_position", ingestor->saved_ordinal},
        {"checkpoint_failures", ingestor->checkpoint_failures},
        {"checkpoint_bytes", ingestor->checkpoint_bytes},
        {"table_restarts", ingestor->restarts},
        {"queries_answered", ingestor->query.answered},
        {"queries_refused", ingestor->query.refused},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics);
}

/* ---- The loop ---- */

static int on_timer(zloop_t *loop, int timer, void *arg);

static void log_silence(struct ingestor *ingestor)
{
    const bool silent = ingestor->phase == PHASE_LIVE && !lease_valid(ingestor->lease);
    if (silent && !ingestor->silent) {
        log_warn("the lease was not renewed for %d ms: publishing nothing until it is",
                 LEASE_VALID_MS);
    } else if (!silent && ingestor->silent) {
        log_info("the lease is renewed: publishing again");
    }
    ingestor->silent = silent;
}

/* Publishes what is due. Returns when something is due next, µs from now. */
static int64_t publish_due(struct ingestor *ingestor)
{
    const struct moment now = clock_now();
    if (!may_publish(ingestor)) {
        return (ingestor->phase == PHASE_LIVE ? SILENT_LOOK_MS : BEAT_MS) * US_PER_MS;
    }
    flush(ingestor, now);
    if (now.mono.us >= ingestor->beat_at.mono.us) {
        publisher_beat(ingestor->publisher, now);
        ingestor->beat_at.mono = mono_add_ms(now.mono, BEAT_MS);
    }
    const int64_t beat_us = ingestor->beat_at.mono.us - now.mono.us;
    const int64_t fold_us = fold_wait_us(ingestor->fold, clock_now());
    return fold_us < beat_us ? fold_us : beat_us;
}

static void save_if_due(struct ingestor *ingestor)
{
    const bool due = ingestor->built || clock_mono().us >= ingestor->save_at.us;
    if (ingestor->phase == PHASE_LIVE && ingestor->unsaved && !ingestor->saving && due &&
        lease_valid(ingestor->lease)) {
        save(ingestor);
    }
}

/* 0; or -1, which ends the loop, when the lease is lost. */
static int check_lease(struct ingestor *ingestor)
{
    struct lease_grant grant;
    struct error why;
    if (lease_await(ingestor->lease, 0, &grant, &why) == LEASE_LOST) {
        return stand_down(ingestor, &why);
    }
    if (ingestor->deposed) {
        error_set(&why, STATUS_AGAIN, "the lease could not be renewed in time");
        return stand_down(ingestor, &why);
    }
    return 0;
}

/* Does what is due and sets the timer for what is due next. What handlers return. */
static int tick(struct ingestor *ingestor)
{
    log_silence(ingestor);
    const int64_t wait_us = publish_due(ingestor);
    save_if_due(ingestor);
    if (ingestor->timer > 0) {
        zloop_timer_end(ingestor->loop, ingestor->timer);
    }
    const size_t wait_ms = (size_t)((wait_us + US_PER_MS - 1) / US_PER_MS);
    ingestor->timer = zloop_timer(ingestor->loop, wait_ms > 0 ? wait_ms : 1, 1, on_timer, ingestor);
    return check_lease(ingestor);
}

static int on_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    struct ingestor *ingestor = arg;
    if (timer == ingestor->timer) {
        ingestor->timer = 0;
    }
    return tick(ingestor);
}

static int on_reader(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    struct reader_message message;
    for (int i = 0; i < BATCH_BUDGET && reader_receive(ingestor->reader, &message); i++) {
        if (handle(ingestor, &message) != 0) {
            return -1;
        }
    }
    return tick(ingestor);
}

static int on_query(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    (void)server_process(ingestor->server, clock_mono(), QUERY_BUDGET);
    return 0;
}

/* SIGHUP: is the new configuration good? Then start again with it; else keep what there is. */
static int reload(struct ingestor *ingestor)
{
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_load(ingestor->program->config_path, &config, &err) != STATUS_OK) {
        log_error("SIGHUP: %s; keeping the configuration as it was", err.text);
        return 0;
    }
    config_destroy(&config);
    log_info("SIGHUP: starting again with the new configuration");
    ingestor->end = INGESTOR_AGAIN;
    return -1;
}

static int on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    const int signal = program_signal(ingestor->program);
    if (signal == SIGHUP) {
        return reload(ingestor);
    }
    return signal != 0 ? -1 : 0;
}

int ingestor_create(struct program *program, struct ingestor **out, struct error *err)
{
    const struct config *config = program->config;
    struct ingestor *ingestor = x_calloc(1, sizeof *ingestor);
    *out = ingestor;
    ingestor->program = program;
    ingestor->config = config;
    snprintf(ingestor->instance, sizeof ingestor->instance, "ingestor-%d-%lld", (int)getpid(),
             (long long)clock_wall().us);
    ingestor->loop = zloop_new();
    ingestor->pub = socket_bind(ZMQ_PUB, config->ingestor.publish, config, err);
    ingestor->publisher = publisher_create(config, send_frames, ingestor);
    ingestor->query = (struct query){.store = publisher_store(ingestor->publisher),
                                     .events = publisher_events(ingestor->publisher),
                                     .state = describe,
                                     .stats = stats,
                                     .arg = ingestor};
    query_init(&ingestor->query);
    if (ingestor->pub == NULL || server_create(config->ingestor.query, config, &ingestor->query,
                                               &ingestor->server, err) != STATUS_OK) {
        ingestor_destroy(out);
        return STATUS_IO;
    }
    const int64_t interval_ms = config->ingestor.checkpoint_interval_ms;
    ingestor->save_backoff = (struct backoff){
        .first_ms = interval_ms,
        .max_ms = interval_ms > CHECKPOINT_RETRY_MAX_MS ? interval_ms : CHECKPOINT_RETRY_MAX_MS,
        .random = (uint64_t)clock_wall().us,
    };
    ingestor->lease = lease_create(config);
    ingestor->reader = reader_create(config, ingestor->lease);
    return STATUS_OK;
}

void ingestor_destroy(struct ingestor **ingestor_p)
{
    struct ingestor *ingestor = *ingestor_p;
    if (ingestor == NULL) {
        return;
    }
    zloop_destroy(&ingestor->loop);
    reader_destroy(&ingestor->reader);
    lease_destroy(&ingestor->lease); /* the next holder may begin */
    server_destroy(&ingestor->server);
    socket_close(&ingestor->pub);
    query_free(&ingestor->query);
    newest_clear(&ingestor->newest);
    fold_destroy(&ingestor->fold);
    publisher_destroy(&ingestor->publisher);
    buf_free(&ingestor->source_state);
    free(ingestor);
    *ingestor_p = NULL;
}

static void poll_on(struct ingestor *ingestor, void *socket, int fd, zloop_fn *handler)
{
    zmq_pollitem_t item = {socket, fd, ZMQ_POLLIN, 0};
    zloop_poller(ingestor->loop, &item, handler, ingestor);
    zloop_poller_set_tolerant(ingestor->loop, &item);
}

/* A last checkpoint, so that the next start has nothing to catch up. */
static void save_at_end(struct ingestor *ingestor)
{
    const mono_time deadline = mono_add_ms(clock_mono(), 5000);
    struct reader_message message;
    if (ingestor->phase != PHASE_LIVE || ingestor->deposed) {
        return;
    }
    if (!ingestor->saving && ingestor->unsaved) {
        save(ingestor);
    }
    while (ingestor->saving && clock_mono().us < deadline.us) {
        zmq_pollitem_t item = {reader_socket(ingestor->reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 100);
        while (reader_receive(ingestor->reader, &message)) {
            if (message.kind == READER_SAVED || message.kind == READER_SAVE_FAILED) {
                on_saved(ingestor, &message.error, message.kind == READER_SAVE_FAILED);
            }
            batch_destroy(&message.batch);
            free(message.bytes);
        }
    }
}

static void leave(int signal)
{
    (void)signal;
    _exit(EXIT_SUCCESS);
}

/* Calls to a database that hangs have no end, and would keep the program. Ending in the middle of
 * one costs no more than a crash does: nothing. */
static void end_in_time(void)
{
    const struct sigaction action = {.sa_handler = leave};
    sigaction(SIGALRM, &action, NULL);
    alarm(END_S);
}

enum ingestor_end ingestor_run(struct ingestor *ingestor)
{
    poll_on(ingestor, reader_socket(ingestor->reader), 0, on_reader);
    poll_on(ingestor, server_socket(ingestor->server), 0, on_query);
    poll_on(ingestor, NULL, ingestor->program->signals, on_signal);
    (void)tick(ingestor);
    zloop_start(ingestor->loop);
    if (ingestor->end == INGESTOR_STOPPED) {
        end_in_time();
    }
    save_at_end(ingestor);
    log_info("stopped");
    return ingestor->end;
}
