#include "ingestor/reader.h"

#include <czmq.h>

#include "common/backoff.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "ingestor/checkpoint.h"

#define LEASE_RETRY_MS 500
#define CONFIRM_MS 1000 /* how often the lease is looked at */

struct reader {
    zactor_t *actor;
};

enum command_kind { COMMAND_BEGIN, COMMAND_CREDIT, COMMAND_SAVE };

struct command {
    enum command_kind kind;
    char *bytes; /* the receiver's to free */
    size_t len;
    uint64_t number; /* COMMAND_BEGIN: the epoch; COMMAND_SAVE: of a record */
};

/* ---- The thread ---- */

struct thread {
    const struct config *config;
    zsock_t *pipe;
    void *socket; /* of the pipe */
    bool stop;
    const struct checkpoint_ops *checkpoint_ops;
    struct checkpoint *checkpoint; /* NULL: none are kept */
    bool leader;
    bool lost; /* the lease is; the source is to be closed */
    mono_time confirm_at;
    bool begun; /* the main thread said where to read from */
    struct buf state;
    bool has_state;
    struct buf journal; /* read with the checkpoint; of use for the first open only */
    bool journal_failing;
    uint64_t epoch;
    struct source *source; /* NULL: not open */
    unsigned credits;
    struct backoff backoff;
    mono_time open_at; /* not before that */
    bool idle;         /* the last read found nothing: wait until poll_at, or for a wake-up */
    mono_time poll_at;
    struct error down; /* as last told; empty: it is up */
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
    }
    tell_text(t, status == STATUS_OK ? READER_SAVED : READER_SAVE_FAILED, &err);
}

static void begin(struct thread *t, struct command *command)
{
    close_source(t);
    buf_clear(&t->state);
    t->has_state = command->bytes != NULL;
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
        } else {
            t->stop = true; /* "$TERM", from zactor_destroy */
        }
        timeout_ms = 0;
    }
}

static void acquire(struct thread *t)
{
    struct error err = {{0}};
    struct reader_message message = {.kind = READER_LEADER};
    struct buf bytes = {0};
    if (t->checkpoint_ops != NULL && t->checkpoint == NULL &&
        t->checkpoint_ops->open(t->config, &t->checkpoint, &err) != STATUS_OK) {
        tell_text(t, READER_STANDBY, &err);
        take_commands(t, (int)backoff_next_ms(&t->backoff));
        return;
    }
    if (t->checkpoint != NULL) {
        if (t->checkpoint_ops->acquire(t->checkpoint, &err) != STATUS_OK) {
            tell_text(t, READER_STANDBY, &err);
            take_commands(t, LEASE_RETRY_MS);
            return;
        }
        const int status = t->checkpoint_ops->load(t->checkpoint, &bytes, &message.error);
        if (status == STATUS_OK) {
            message.len = bytes.len;
            message.bytes = buf_take(&bytes);
        } else if (status == STATUS_IO) {
            tell_text(t, READER_STANDBY, &message.error);
            take_commands(t, (int)backoff_next_ms(&t->backoff));
            buf_free(&bytes);
            return;
        }
        buf_free(&bytes);
        struct error why = {{0}};
        buf_clear(&t->journal);
        if (t->checkpoint_ops->journal(t->checkpoint, &t->journal, &why) != STATUS_OK) {
            log_warn("%s; events that came out of order may be repeated or reordered", why.text);
        }
    }
    t->leader = true;
    t->confirm_at = mono_add_ms(clock_mono(), CONFIRM_MS);
    backoff_reset(&t->backoff);
    tell(t, &message);
}

static void confirm(struct thread *t)
{
    const mono_time now = clock_mono();
    struct error err = {{0}};
    if (t->checkpoint == NULL || now.us < t->confirm_at.us) {
        return;
    }
    t->confirm_at = mono_add_ms(now, CONFIRM_MS);
    if (t->checkpoint_ops->confirm(t->checkpoint, &err) == STATUS_DENIED) {
        lose_lease(t, &err);
    }
}

static void tell_down(struct thread *t, const struct error *err)
{
    if (strcmp(err->text, t->down.text) != 0) {
        t->down = *err;
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
    if (ops->open(t->config, state, buf_str(&t->journal), t->epoch, &t->source, &err) !=
        STATUS_OK) {
        t->source = NULL;
        tell_down(t, &err);
        return;
    }
    t->down = (struct error){{0}};
    t->idle = false;
    tell_text(t, READER_UP, &err);
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
    const int wait_ms = mono_ms_until(now, t->poll_at, CONFIRM_MS);
    bool woken = false;
    const int status = t->source->ops->wait(t->source, zsock_fd(t->pipe), wait_ms, &woken, err);
    t->idle = !woken && clock_mono().us < t->poll_at.us;
    return status;
}

/* False when the lease is lost. Other failures are told and lived with: order is at stake only if a
 * crash follows. */
static bool write_journal(struct thread *t, const struct batch *batch)
{
    struct error err = {{0}};
    const int status =
        t->checkpoint != NULL
            ? t->checkpoint_ops->append(t->checkpoint, batch->record, batch->journal, &err)
            : STATUS_OK;
    if (status == STATUS_DENIED) {
        lose_lease(t, &err);
        return false;
    }
    if (status != STATUS_OK && !t->journal_failing) {
        log_error(
            "the order of delivery cannot be journaled: %s. If the ingestor is killed now, events "
            "that committed late may be missed on streams (tiles stay right)",
            err.text);
    }
    t->journal_failing = status != STATUS_OK;
    return true;
}

static int read_source(struct thread *t, struct error *err)
{
    struct batch *batch = NULL;
    const int status = t->source->ops->read(t->source, READER_ROWS, &batch, err);
    if (status != STATUS_OK) {
        return status;
    }
    backoff_reset(&t->backoff);
    t->idle = batch == NULL;
    t->poll_at = mono_add_ms(clock_mono(), t->config->source.poll_interval_ms);
    if (batch != NULL && batch->journal.len != 0 && !write_journal(t, batch)) {
        batch_destroy(&batch); /* the lease is lost: nobody is to see it */
        return STATUS_OK;
    }
    if (batch != NULL) {
        buf_clear(&t->state);
        buf_append_str(&t->state, batch->state);
        t->has_state = true;
        t->credits--;
        const struct reader_message message = {.kind = READER_BATCH, .batch = batch};
        tell(t, &message);
    }
    return STATUS_OK;
}

static void use_source(struct thread *t)
{
    struct error err = {{0}};
    const int status = t->idle ? wait_source(t, &err) : read_source(t, &err);
    if (status != STATUS_OK) {
        tell_down(t, &err);
    }
}

static void run(struct thread *t)
{
    take_commands(t, 0);
    if (t->lost) {
        close_source(t);
        t->lost = false;
    }
    if (t->stop) {
        return;
    }
    if (!t->leader) {
        acquire(t);
        return;
    }
    confirm(t);
    if (!t->begun || (t->source != NULL && t->credits == 0)) {
        take_commands(t, CONFIRM_MS);
    } else if (t->source == NULL) {
        const int wait = mono_ms_until(clock_mono(), t->open_at, CONFIRM_MS);
        if (wait > 0) {
            take_commands(t, wait);
        } else {
            open_source(t);
        }
    } else {
        use_source(t);
    }
}

static void thread_main(zsock_t *pipe, void *arg)
{
    struct thread t = {.config = arg,
                       .pipe = pipe,
                       .socket = zsock_resolve(pipe),
                       .backoff = {100, 5000, 0, (uint64_t)clock_wall().us}};
    t.checkpoint_ops = checkpoint_for(t.config);
    zsock_signal(pipe, 0);
    while (!t.stop) {
        run(&t);
    }
    close_source(&t);
    if (t.checkpoint != NULL) {
        t.checkpoint_ops->close(t.checkpoint);
    }
    buf_free(&t.state);
    buf_free(&t.journal);
}

/* ---- The main thread's side ---- */

struct reader *reader_create(const struct config *config)
{
    struct reader *reader = x_calloc(1, sizeof *reader);
    union {
        const struct config *in;
        void *out;
    } cast = {.in = config};
    reader->actor = zactor_new(thread_main, cast.out);
    return reader;
}

void reader_destroy(struct reader **reader_p)
{
    struct reader *reader = *reader_p;
    if (reader == NULL) {
        return;
    }
    struct reader_message message;
    while (reader_receive(reader, &message)) {
        batch_destroy(&message.batch);
        free(message.bytes);
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

static void command(struct reader *reader, enum command_kind kind, struct str bytes, uint64_t number)
{
    const struct command command = {
        .kind = kind,
        .bytes = bytes.p != NULL ? x_memdup(bytes.p, bytes.len) : NULL,
        .len = bytes.len,
        .number = number,
    };
    zmq_send(reader_socket(reader), &command, sizeof command, 0);
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
