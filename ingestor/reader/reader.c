/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader.h"

#include <czmq.h>

#include "common/base/backoff.h"
#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "ingestor/checkpoint/checkpoint.h"

#define LOOK_MS 50   /* how often commands are looked at while the lease is waited for */
#define WAKE_MS 1000 /* the longest sleep */

struct reader {
    zactor_t *actor;
};

enum command_kind { COMMAND_BEGIN, COMMAND_CREDIT, COMMAND_SAVE, COMMAND_STOP };

struct command {
    enum command_kind kind;
    char *bytes; /* the receiver's to free */
    size_t len;
    uint64_t number; /* COMMAND_BEGIN: the epoch; COMMAND_SAVE: of a record */
};

/* ---- The thread ---- */

struct thread {
    const struct config *config;
    struct lease *lease;
    zsock_t *pipe;
    void *socket; /* of the pipe */
    bool stop;
    const struct checkpoint_ops *checkpoint_ops;
    struct checkpoint *checkpoint; /* NULL: not open */
    bool leader;
    bool lost;  /* the lease is, for good; the source is to be closed */
    bool begun; /* the main thread said where to read from */
    struct buf state;
    bool has_state;
    struct buf journal; /* read with the checkpoint; of use for the first open only */
    bool journal_known; /* it is all that was written */
    bool journal_failing;
    bool renumbered; /* since the last checkpoint, because of that */
    uint64_t epoch;
    struct source *source; /* NULL: not open */
    unsigned credits;
    struct backoff backoff;
    mono_time open_at; /* not before that */
    bool idle;         /* the last read came to the end: wait until poll_at, or for a wake-up */
    mono_time poll_at;
    struct error down; /* as last told */
    bool up;           /* as last told */
};

static void tell(struct thread *t, const struct reader_message *message)
{
    /* The pipe has no high-water mark; what goes through it is bounded by the credits and by one
     * checkpoint at a time. */
    zmq_send(t->socket, message, sizeof *message, 0);
}

static void tell_text(struct thread *t, enum reader_kind kind, const struct error *error)
{
    const struct reader_message message = {.kind = kind, .error = *error};
    tell(t, &message);
}

static void close_source(struct thread *t)
{
    if (t->source != NULL) {
        t->source->ops->close(t->source);
        t->source = NULL;
    }
}

static void lose_lease(struct thread *t, const struct error *error)
{
    /* The source is closed by whoever uses it: it may be in use further up. */
    t->lost = true;
    t->begun = false;
    t->leader = false;
    lease_lose(t->lease, error);
    tell_text(t, READER_LOST, error);
}

static void save(struct thread *t, struct str bytes, uint64_t record)
{
    struct error err = {{0}};
    const int status = t->checkpoint != NULL && t->leader
                           ? t->checkpoint_ops->save(t->checkpoint, bytes, record, &err)
                           : STATUS_OK;
    if (status == STATUS_DENIED) {
        lose_lease(t, &err);
    } else if (status == STATUS_OK) {
        t->renumbered = false;
    }
    tell_text(t, status == STATUS_OK ? READER_SAVED : READER_SAVE_FAILED, &err);
}

static void begin(struct thread *t, struct command *command)
{
    close_source(t);
    buf_clear(&t->state);
    t->has_state = command->bytes != NULL;
    if (!t->has_state) { /* what an earlier life journaled is of no use any more */
        buf_clear(&t->journal);
        t->journal_known = true;
    }
    buf_append(&t->state, command->bytes, command->len);
    t->epoch = command->number;
    t->begun = true;
    t->credits = READER_BATCHES;
    t->open_at = (mono_time){0};
}

static void handle(struct thread *t, struct command *command)
{
    switch (command->kind) {
    case COMMAND_BEGIN:
        begin(t, command);
        break;
    case COMMAND_CREDIT:
        t->credits++;
        break;
    case COMMAND_SAVE:
        save(t, (struct str){command->bytes, command->len}, command->number);
        break;
    case COMMAND_STOP:
        t->stop = true;
        break;
    }
    free(command->bytes);
}

/* Takes all commands that wait; with a timeout, waits for the first one. */
static void take_commands(struct thread *t, int timeout_ms)
{
    zmq_pollitem_t item = {t->socket, 0, ZMQ_POLLIN, 0};
    while (!t->stop && zmq_poll(&item, 1, timeout_ms) > 0) {
        struct command command;
        const int len = zmq_recv(t->socket, &command, sizeof command, 0);
        if (len == (int)sizeof command) {
            handle(t, &command);
        }
        timeout_ms = 0;
    }
}

static int load_journal(struct thread *t, struct error *why)
{
    buf_clear(&t->journal);
    int status = t->checkpoint_ops->journal(t->checkpoint, &t->journal, why);
    t->journal_known = status == STATUS_OK;
    if (status == STATUS_INVALID && source_for(t->config)->journals) {
        log_warn("%s", why->text);
    }
    return status == STATUS_INVALID ? STATUS_OK : status;
}

/* Opens and reads what the holder before left. */
static int load(struct thread *t, const struct lease_grant *grant, struct buf *bytes,
                struct reader_message *message, struct error *why)
{
    int status = STATUS_OK;
    if (t->checkpoint == NULL) {
        status = t->checkpoint_ops->open(t->config, grant, &t->checkpoint, why);
    }
    if (status == STATUS_OK) {
        status = t->checkpoint_ops->load(t->checkpoint, bytes, why);
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) {
        message->error = *why; /* for the log; all is built anew */
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        message->len = bytes->len;
        message->bytes = buf_take(bytes);
    }
    return status == STATUS_OK && message->bytes != NULL ? load_journal(t, why) : status;
}

static void lead(struct thread *t, const struct lease_grant *grant)
{
    struct error why = {{0}};
    struct buf bytes = {0};
    struct reader_message message = {.kind = READER_LEADER, .epoch = grant->epoch};
    const int status = load(t, grant, &bytes, &message, &why);
    buf_free(&bytes);
    if (status == STATUS_OK) {
        t->leader = true;
        backoff_reset(&t->backoff);
        tell(t, &message);
        return;
    }
    free(message.bytes);
    if (status == STATUS_DENIED) {
        lose_lease(t, &why);
        return;
    }
    tell_text(t, READER_STANDBY, &why);
    take_commands(t, (int)backoff_next_ms(&t->backoff));
}

static void acquire(struct thread *t)
{
    struct lease_grant grant;
    struct error why;
    switch (lease_await(t->lease, LOOK_MS, &grant, &why)) {
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
static void await_lease(struct thread *t)
{
    struct lease_grant grant;
    struct error why;
    if (lease_await(t->lease, 0, &grant, &why) == LEASE_LOST) {
        lose_lease(t, &why);
    } else {
        take_commands(t, LOOK_MS);
    }
}

static void tell_down(struct thread *t, const struct error *err)
{
    if (t->up || strcmp(err->text, t->down.text) != 0) {
        t->down = *err;
        t->up = false;
        tell_text(t, READER_DOWN, err);
    }
    close_source(t);
    t->open_at = mono_add_ms(clock_mono(), backoff_next_ms(&t->backoff));
}

static void open_source(struct thread *t)
{
    struct error err = {{0}};
    const struct source_ops *ops = source_for(t->config);
    const struct str state = t->has_state ? buf_str(&t->state) : STR_NULL;
    const struct str journal = !t->journal_known     ? STR_NULL
                               : t->journal.len != 0 ? buf_str(&t->journal)
                                                     : STR("");
    if (ops->open(t->config, state, journal, t->epoch, &t->source, &err) != STATUS_OK) {
        t->source = NULL;
        tell_down(t, &err);
        return;
    }
    t->idle = false;
}

/* Only what was read tells that the source can be: one that opens and then fails is down. */
static void tell_up(struct thread *t)
{
    const struct reader_message message = {.kind = READER_UP};
    backoff_reset(&t->backoff);
    if (!t->up) {
        t->up = true;
        tell(t, &message);
    }
}

/* Sleeps until there may be something to read, or something else to do. */
static int wait_source(struct thread *t, struct error *err)
{
    /* ZMQ_FD is edge-triggered: what came since the last look must be taken before sleeping on it.
     */
    take_commands(t, 0);
    if (t->stop || t->source == NULL) {
        return STATUS_OK;
    }
    const mono_time now = clock_mono();
    const int wait_ms = mono_ms_until(now, t->poll_at, WAKE_MS);
    bool woken = false;
    const int status = t->source->ops->wait(t->source, zsock_fd(t->pipe), wait_ms, &woken, err);
    t->idle = !woken && clock_mono().us < t->poll_at.us;
    return status;
}

/*
 * STATUS_OK: the batch may be handed on. When the journal cannot be written, for want of space say,
 * events go on coming, though after a crash their order would be another one. So they get a new
 * origin, which a crash would change again: either way streams are told `reset`. Once is enough
 * until a checkpoint has saved that origin.
 */
static int write_journal(struct thread *t, struct batch *batch, struct error *err)
{
    const int status = t->checkpoint_ops->append(t->checkpoint, batch->record, batch->journal, err);
    if (status == STATUS_DENIED || status == STATUS_AGAIN) {
        return status;
    }
    if (status != STATUS_OK && !t->journal_failing) {
        log_error("the order of delivery cannot be journaled: %s. Tiles go on, and so do streams, "
                  "which are told `reset`",
                  err->text);
    } else if (status == STATUS_OK && t->journal_failing) {
        log_info("the order of delivery is journaled again");
    }
    t->journal_failing = status != STATUS_OK;
    if (t->journal_failing && !t->renumbered) {
        batch->origin = t->source->ops->renumber(t->source);
        t->renumbered = true;
    }
    return STATUS_OK;
}

static void hand_on(struct thread *t, struct batch *batch)
{
    const struct reader_message message = {.kind = READER_BATCH, .batch = batch};
    if (batch->restarted) { /* none of it is about the table as it is now */
        buf_clear(&t->journal);
        t->journal_known = true;
    }
    buf_clear(&t->state);
    buf_append_str(&t->state, batch->state);
    t->has_state = true;
    t->credits--;
    tell(t, &message);
}

static int read_source(struct thread *t, struct error *err)
{
    struct batch *batch = NULL;
    int status = t->source->ops->read(t->source, READER_ROWS, &batch, err);
    if (status != STATUS_OK) {
        return status;
    }
    /* What is written after this look wakes us up. */
    t->idle = batch == NULL || (!batch->more && !batch->history);
    t->poll_at = mono_add_ms(clock_mono(), t->config->source.poll_interval_ms);
    if (batch != NULL && batch->journal.len != 0) {
        status = write_journal(t, batch, err);
    }
    if (status != STATUS_OK) {
        batch_destroy(
            &batch); /* nobody is to see it; if the lease is still ours it is read again */
    }
    if (status == STATUS_DENIED) {
        lose_lease(t, err);
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        tell_up(t);
    }
    if (batch != NULL) {
        hand_on(t, batch);
    }
    return status;
}

static void use_source(struct thread *t)
{
    struct error err = {{0}};
    const int status = t->idle ? wait_source(t, &err) : read_source(t, &err);
    if (status != STATUS_OK) {
        tell_down(t, &err);
    }
}

static void reopen_source(struct thread *t)
{
    const int wait = mono_ms_until(clock_mono(), t->open_at, WAKE_MS);
    if (wait > 0) {
        take_commands(t, wait);
    } else {
        open_source(t);
    }
}

static void run(struct thread *t)
{
    take_commands(t, 0);
    if (t->lost) {
        close_source(t);
    }
    if (t->stop) {
        return;
    }
    if (t->lost) {
        take_commands(t, WAKE_MS); /* the main thread ends us */
    } else if (!t->leader) {
        acquire(t);
    } else if (!lease_valid(t->lease)) {
        await_lease(t);
    } else if (!t->begun || (t->source != NULL && t->credits == 0)) {
        take_commands(t, WAKE_MS);
    } else if (t->source == NULL) {
        reopen_source(t);
    } else {
        use_source(t);
    }
}

struct beginning {
    const struct config *config;
    struct lease *lease;
};

static void thread_main(zsock_t *pipe, void *arg)
{
    const struct beginning *beginning = arg;
    struct thread t = {.config = beginning->config,
                       .lease = beginning->lease,
                       .pipe = pipe,
                       .socket = zsock_resolve(pipe),
                       .backoff = {100, 5000, 0, (uint64_t)clock_wall().us}};
    t.checkpoint_ops = checkpoint_for(t.config);
    zsock_signal(pipe, 0); /* `beginning` is gone from here on */
    while (!t.stop) {
        run(&t);
    }
    close_source(&t);
    if (t.checkpoint != NULL) {
        t.checkpoint_ops->close(t.checkpoint);
    }
    buf_free(&t.state);
    buf_free(&t.journal);
    const struct reader_message stopped = {.kind = READER_STOPPED};
    tell(&t, &stopped);
}

/* ---- The main thread's side ---- */

struct reader *reader_create(const struct config *config, struct lease *lease)
{
    struct reader *reader = x_calloc(1, sizeof *reader);
    struct beginning beginning = {config, lease};
    reader->actor = zactor_new(thread_main, &beginning);
    return reader;
}

static void command(struct reader *reader, enum command_kind kind, struct str bytes,
                    uint64_t number)
{
    const struct command command = {
        .kind = kind,
        .bytes = bytes.p != NULL ? x_memdup(bytes.p, bytes.len) : NULL,
        .len = bytes.len,
        .number = number,
    };
    zmq_send(reader_socket(reader), &command, sizeof command, 0);
}

void reader_destroy(struct reader **reader_p)
{
    struct reader *reader = *reader_p;
    if (reader == NULL) {
        return;
    }
    struct reader_message message = {0};
    command(reader, COMMAND_STOP, STR_NULL, 0);
    while (message.kind != READER_STOPPED) { /* what it sends until then is ours to free */
        zmq_pollitem_t item = {reader_socket(reader), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, -1);
        if (reader_receive(reader, &message)) {
            batch_destroy(&message.batch);
            free(message.bytes);
        }
    }
    zactor_destroy(&reader->actor);
    free(reader);
    *reader_p = NULL;
}

void *reader_socket(const struct reader *reader)
{
    return zsock_resolve(reader->actor);
}

bool reader_receive(struct reader *reader, struct reader_message *out)
{
    *out = (struct reader_message){0};
    return zmq_recv(reader_socket(reader), out, sizeof *out, ZMQ_DONTWAIT) == (int)sizeof *out;
}

void reader_begin(struct reader *reader, struct str state, uint64_t epoch)
{
    command(reader, COMMAND_BEGIN, state, epoch);
}

void reader_credit(struct reader *reader)
{
    command(reader, COMMAND_CREDIT, STR_NULL, 0);
}

void reader_save(struct reader *reader, struct str bytes, uint64_t record)
{
    command(reader, COMMAND_SAVE, bytes, record);
}
