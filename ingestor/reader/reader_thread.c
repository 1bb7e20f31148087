/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_thread.h"

#include "common/base/backoff.h"
#include "common/base/handover.h"
#include "common/base/xalloc.h"
#include "common/lease/lease.h"
#include "common/program/log.h"
#include "common/state/state_store.h"
#include "ingestor/reader/reader_message.h"
#include "ingestor/reader/reader_missing.h"
#include "ingestor/reader/reader_parts.h"
#include "ingestor/reader/reader_store.h"
#include "ingestor/source/source.h"

#define READ_ROWS 4000 /* rows of a batch */
#define COMMANDS_MS 50 /* how often commands are taken while the lease is waited for */
#define WAKE_MS 1000   /* the longest sleep */

/*
 *             lease ours       begin          opened            end reached
 *   STANDBY ────────────► LEADER ───► CLOSED ───────► READING ──────────────► IDLE
 *                                       ▲             │     ▲                 │  │
 *                                       │             │     └─────────────────┘  │
 *                                       │             │   woken, or poll_at came │
 *                                       │             ▼                          ▼
 *                                       └──────── the source fails, or begin ────┘
 *
 * From each of them, when another ingestor took the lease, and from STANDBY, when a newer version
 * wrote the state: DEPOSED, the last one. While the lease is ours but not valid just now, a
 * state stands still.
 */
enum reader_state {
    READER_IS_STANDBY,
    READER_IS_LEADER,  /* READER_LEADER was told; the main thread loads the state */
    READER_IS_CLOSED,  /* the source is to be opened, not before open_at */
    READER_IS_READING, /* there may be more to read at once */
    READER_IS_IDLE,    /* all was read: sleeps until poll_at, or until it is woken */
    READER_IS_DEPOSED,
};

/* All of it is the reader's thread's, but for what `parts` points to: config is shared and never
 * changes, and the lease has locks of its own. */
struct reader_thread {
    struct reader_parts parts;
    zsock_t *pipe;
    void *socket; /* of the pipe */
    bool stop;
    enum reader_state state;
    struct reader_store store;
    struct source *source; /* NULL: not open */
    unsigned credits;      /* batches that may be sent */
    struct backoff backoff;
    mono_time open_at; /* when a source that failed is opened again */
    mono_time poll_at; /* when an idle source is read though nothing woke it */

    /* Where the source is opened. */
    struct {
        bool saved; /* False: at the start of the table. */
        bool live;  /* The state is that of a batch, and not the one that was saved. */
        struct buf state;
        uint64_t epoch; /* For the origin of a new numbering. */
    } resume;

    /* The journal of the order of delivery. */
    struct {
        struct buf bytes; /* Read with the state; of use for the first open only. */
        bool whole;       /* It is all that was written. */
        bool failing;     /* It cannot be written, as last logged. */
        bool renumbered;  /* For want of it ordinals have a new origin, which is not saved yet. */
    } journal;

    /* What the main thread was told last. */
    struct {
        bool up;
        uint64_t missing;
        struct error down;
    } told;
};

/* True when the lease is ours and READER_LEADER was told. */
static bool is_leader(const struct reader_thread *t)
{
    return t->state != READER_IS_STANDBY && t->state != READER_IS_DEPOSED;
}

static void tell(struct reader_thread *t, const struct reader_message *message)
{
    reader_message_send(t->socket, message);
}

static void tell_text(struct reader_thread *t, enum reader_kind kind, const struct error *error)
{
    const struct reader_message message = {.kind = kind, .error = *error};
    tell(t, &message);
}

static void close_source(struct reader_thread *t)
{
    if (t->source != NULL) {
        t->source->ops->close(t->source);
        t->source = NULL;
    }
}

static void lose_lease(struct reader_thread *t, const struct error *error)
{
    t->state = READER_IS_DEPOSED; /* the source may be in use further up: the next turn closes it */
    lease_lose(t->parts.lease, error);
    tell_text(t, READER_LOST, error);
}

/* The database may have lost rows that were read: a new life goes on from what was saved. */
static void depose(struct reader_thread *t, const struct error *error)
{
    t->state = READER_IS_DEPOSED; /* the next turn closes the source */
    tell_text(t, READER_OTHER_PAST, error);
}

static void save(struct reader_thread *t, const struct state_changes *changes, uint64_t record)
{
    struct error err = {{0}};
    int status = STATUS_OK;
    if (t->source == NULL && t->parts.state->with_rows && t->resume.live) {
        /* The database may have gone back meanwhile, and the source would tell. */
        status = error_set(&err, STATUS_IO, "the database is not read");
    } else if (t->store.open != NULL && is_leader(t)) {
        status = t->parts.state->save(t->store.open, changes, record, &err);
    }
    if (status == STATUS_DENIED) {
        lose_lease(t, &err);
    } else if (status == STATUS_OK) {
        t->journal.renumbered = false;
    }
    tell_text(t,
              status == STATUS_OK        ? READER_SAVED
              : status == STATUS_INVALID ? READER_STATE_LOST
                                         : READER_SAVE_FAILED,
              &err);
}

static void begin(struct reader_thread *t, struct reader_command *command)
{
    close_source(t);
    buf_clear(&t->resume.state);
    t->resume.saved = command->bytes != NULL;
    if (!t->resume.saved) { /* what an earlier life journaled is of no use any more */
        buf_clear(&t->journal.bytes);
        t->journal.whole = true;
    }
    buf_append(&t->resume.state, command->bytes, command->len);
    t->resume.epoch = command->number;
    t->resume.live = false;
    t->credits = READER_BATCHES;
    t->open_at = (mono_time){0};
    if (is_leader(t)) {
        t->state = READER_IS_CLOSED;
    }
}

static void handle(struct reader_thread *t, struct reader_command *command)
{
    switch (command->kind) {
    case READER_COMMAND_BEGIN:
        begin(t, command);
        break;
    case READER_COMMAND_CREDIT:
        t->credits++;
        break;
    case READER_COMMAND_SAVE:
        save(t, command->changes, command->number);
        break;
    case READER_COMMAND_WAKE:
        t->state = t->state == READER_IS_IDLE ? READER_IS_READING : t->state;
        break;
    case READER_COMMAND_STOP:
        t->stop = true;
        break;
    }
    free(command->bytes);
}

/* Takes all commands that wait; with a timeout, waits for the first one. */
static void take_commands(struct reader_thread *t, int timeout_ms)
{
    zmq_pollitem_t item = {t->socket, 0, ZMQ_POLLIN, 0};
    while (!t->stop && zmq_poll(&item, 1, timeout_ms) > 0) {
        struct reader_command command;
        const int len = zmq_recv(t->socket, &command, sizeof command, 0);
        if (len == (int)sizeof command) {
            handover_take(command.bytes);
            handover_take(command.changes);
            handle(t, &command);
        }
        timeout_ms = 0;
    }
}

/* A journal that is damaged is no failure: t->journal.whole says so. */
static int load_journal(struct reader_thread *t, struct error *why)
{
    struct state_changes records = {0};
    int status = t->parts.state->journal(t->store.open, &records, why);
    buf_clear(&t->journal.bytes);
    buf_append_str(&t->journal.bytes, buf_str(&records.values));
    state_changes_free(&records);
    t->journal.whole = status == STATUS_OK;
    if (status == STATUS_INVALID) {
        log_warn("%s", why->text);
    }
    return status == STATUS_INVALID ? STATUS_OK : status;
}

/* The lease is ours: tells the main thread, with the state. If that cannot be read just now, we
 * stay on standby, and try again. */
static void lead(struct reader_thread *t, const struct lease_grant *grant)
{
    struct error why = {{0}};
    struct reader_message message = {.kind = READER_LEADER, .epoch = grant->epoch};
    int status = reader_store_load(&t->store, grant, &message, &why);
    if (status == STATUS_OK && message.state != NULL && t->parts.source->journals) {
        status = load_journal(t, &why);
    }
    if (status == STATUS_OK) {
        t->state = READER_IS_LEADER;
        backoff_reset(&t->backoff);
        tell(t, &message);
        return;
    }
    reader_message_free(&message);
    if (status == STATUS_DENIED) {
        lose_lease(t, &why);
        return;
    }
    if (status == STATUS_NEWER) {
        t->state = READER_IS_DEPOSED;
        tell_text(t, READER_REFUSED, &why);
        return;
    }
    tell_text(t, READER_BLOCKED, &why);
    take_commands(t, (int)backoff_next_ms(&t->backoff));
}

static void acquire(struct reader_thread *t)
{
    struct lease_grant grant;
    struct error why;
    switch (lease_await(t->parts.lease, COMMANDS_MS, &grant, &why)) {
    case LEASE_BLOCKED:
        tell_text(t, READER_BLOCKED, &why);
        break;
    case LEASE_WAITING:
        if (why.text[0] != '\0') {
            tell_text(t, READER_STANDBY, &why);
        }
        break;
    case LEASE_HELD:
        lead(t, &grant);
        break;
    case LEASE_LOST:
        lose_lease(t, &why);
        break;
    }
}

/* Nothing is read without a valid lease: it could not be published. */
static void await_lease(struct reader_thread *t)
{
    struct lease_grant grant;
    struct error why;
    if (lease_await(t->parts.lease, 0, &grant, &why) == LEASE_LOST) {
        lose_lease(t, &why);
    } else {
        take_commands(t, COMMANDS_MS);
    }
}

static void tell_down(struct reader_thread *t, const struct error *err)
{
    if (t->told.up || strcmp(err->text, t->told.down.text) != 0) {
        t->told.down = *err;
        t->told.up = false;
        tell_text(t, READER_DOWN, err);
    }
    close_source(t);
    t->state = READER_IS_CLOSED;
    t->open_at = mono_add_ms(clock_mono(), backoff_next_ms(&t->backoff));
}

static void open_source(struct reader_thread *t)
{
    struct error err = {{0}};
    const struct str state = t->resume.saved ? buf_str(&t->resume.state) : STR_NULL;
    const struct str journal = !t->journal.whole           ? STR_NULL
                               : t->journal.bytes.len != 0 ? buf_str(&t->journal.bytes)
                                                           : STR("");
    if (t->parts.source->open(t->parts.config, state, journal, t->resume.epoch, &t->source, &err) !=
        STATUS_OK) {
        t->source = NULL;
        tell_down(t, &err);
        return;
    }
    t->state = READER_IS_READING;
    if (t->source->other_past && t->resume.live) {
        error_set(&err, STATUS_IO,
                  "the database may have lost rows that were read, as after a "
                  "failover or when it was restored");
        depose(t, &err);
    }
}

/* Called when the source was read, not when it was opened: one that opens and then fails is down.
 */
static void tell_up(struct reader_thread *t)
{
    const struct reader_message message = {.kind = READER_UP};
    backoff_reset(&t->backoff);
    if (!t->told.up) {
        t->told.up = true;
        tell(t, &message);
    }
}

/* Sleeps until there may be something to read, or something else to do. */
static int wait_source(struct reader_thread *t, struct error *err)
{
    /* ZMQ_FD is edge-triggered: what has come must be taken before sleeping on it. */
    take_commands(t, 0);
    if (t->stop || t->state != READER_IS_IDLE) {
        return STATUS_OK;
    }
    const mono_time now = clock_mono();
    const int wait_ms = mono_ms_until(now, t->poll_at, WAKE_MS);
    bool woken = false;
    const int status = t->source->ops->wait(t->source, zsock_fd(t->pipe), wait_ms, &woken, err);
    if (woken || clock_mono().us >= t->poll_at.us) {
        t->state = READER_IS_READING;
    }
    return status;
}

/*
 * STATUS_OK: the batch may be handed on. STATUS_DENIED, STATUS_AGAIN: it may not. When the journal
 * cannot be written, for want of space say, events go on coming, though after a crash their order
 * would be another one. So they get a new origin, which a crash would change again: either way
 * streams are told `reset`. Once is enough until that origin has been saved.
 */
static int write_journal(struct reader_thread *t, struct batch *batch, struct error *err)
{
    const int status = t->parts.state->append(t->store.open, batch->record, batch->journal, err);
    if (status == STATUS_DENIED || status == STATUS_AGAIN) {
        return status;
    }
    if (status != STATUS_OK && !t->journal.failing) {
        log_error("the order of delivery cannot be journaled: %s. Tiles go on, and so do streams, "
                  "which are told `reset`",
                  err->text);
    } else if (status == STATUS_OK && t->journal.failing) {
        log_info("the order of delivery is journaled again");
    }
    t->journal.failing = status != STATUS_OK;
    if (t->journal.failing && !t->journal.renumbered) {
        batch->origin = t->source->ops->renumber(t->source);
        t->journal.renumbered = true;
    }
    return STATUS_OK;
}

/* Takes the batch over. If the source has to be opened again, it is behind this batch. */
static void hand_on(struct reader_thread *t, struct batch *batch)
{
    const struct reader_message message = {.kind = READER_BATCH, .batch = batch};
    if (batch->restarted || !t->journal.whole) { /* none of it is about what is delivered now */
        buf_clear(&t->journal.bytes);
        t->journal.whole = true;
    }
    if (!batch->state_appends) {
        buf_clear(&t->resume.state);
    }
    buf_append_str(&t->resume.state, batch->state);
    t->resume.saved = true;
    t->resume.live = true;
    t->credits--;
    tell(t, &message);
}

static int read_source(struct reader_thread *t, struct error *err)
{
    struct batch *batch = NULL;
    int status = t->source->ops->read(t->source, READ_ROWS, &batch, err);
    if (status != STATUS_OK) {
        return status;
    }
    /* A row that is written after this poll wakes the reader. */
    const bool end = batch == NULL || (!batch->more && !batch->history);
    t->state = end ? READER_IS_IDLE : READER_IS_READING;
    t->poll_at = mono_add_ms(clock_mono(), t->parts.config->source.poll_interval_ms);
    if (batch != NULL && batch->journal.len != 0) {
        status = write_journal(t, batch, err);
    }
    if (status != STATUS_OK) {
        /* The batch was not journaled, so nobody may see it. If the lease is still held, its rows
         * are read again. */
        batch_destroy(&batch);
    }
    if (status == STATUS_DENIED) {
        lose_lease(t, err);
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        tell_up(t);
    }
    if (batch != NULL) {
        reader_missing_tell(t->source, &t->told.missing, t->socket, true);
        hand_on(t, batch);
    }
    return status;
}

static void use_source(struct reader_thread *t)
{
    struct error err = {{0}};
    if (t->credits == 0) {
        take_commands(t, WAKE_MS); /* the main thread has enough to do */
        return;
    }
    const int status = t->state == READER_IS_IDLE ? wait_source(t, &err) : read_source(t, &err);
    reader_lag_measure(t->parts.lag, t->source);
    reader_missing_tell(t->source, &t->told.missing, t->socket, false);
    if (status != STATUS_OK && t->source->other_past && t->resume.live) {
        depose(t, &err); /* one of several sources told while it was read */
    } else if (status != STATUS_OK) {
        tell_down(t, &err);
    }
}

static void reopen_source(struct reader_thread *t)
{
    const int wait = mono_ms_until(clock_mono(), t->open_at, WAKE_MS);
    if (wait > 0) {
        take_commands(t, wait);
    } else {
        open_source(t);
    }
}

static void take_turn(struct reader_thread *t)
{
    take_commands(t, 0);
    if (t->stop) {
        return;
    }
    if (is_leader(t) && !lease_valid(t->parts.lease)) {
        await_lease(t);
        return;
    }
    switch (t->state) {
    case READER_IS_STANDBY:
        acquire(t);
        break;
    case READER_IS_LEADER:
        take_commands(t, WAKE_MS); /* the main thread says where to begin */
        break;
    case READER_IS_CLOSED:
        reopen_source(t);
        break;
    case READER_IS_READING:
    case READER_IS_IDLE:
        use_source(t);
        break;
    case READER_IS_DEPOSED:
        close_source(t);
        take_commands(t, WAKE_MS); /* the main thread ends us */
        break;
    }
}

void reader_thread_main(zsock_t *pipe, void *arg)
{
    const struct reader_parts *parts = arg;
    struct reader_thread t = {.parts = *parts,
                              .pipe = pipe,
                              .socket = zsock_resolve(pipe),
                              .journal = {.whole = true},
                              .backoff = {100, 5000, 0, (uint64_t)clock_wall().us}};
    t.store.parts = &t.parts;
    handover_give(arg);
    zsock_signal(pipe, 0); /* `arg` is gone from here on */
    while (!t.stop) {
        take_turn(&t);
    }
    close_source(&t);
    reader_store_close(&t.store);
    buf_free(&t.resume.state);
    buf_free(&t.journal.bytes);
    const struct reader_message stopped = {.kind = READER_STOPPED};
    tell(&t, &stopped);
}
