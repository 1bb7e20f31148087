/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor.h"

#include "common/base/xalloc.h"
#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/notify.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/ingestor_alerts.h"
#include "ingestor/ingestor_build.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/ingestor_push.h"
#include "ingestor/ingestor_query.h"
#include "ingestor/ingestor_reader.h"
#include "ingestor/ingestor_reload.h"
#include "ingestor/ingestor_save.h"
#include "ingestor/ingestor_state.h"
#include "ingestor/source/sources.h"

#define QUERY_BUDGET 50
#define GUARD_BUDGET 50 /* clients let in before others get their turn */
#define BATCH_BUDGET 4  /* batches folded before others get their turn */
#define CHECKPOINT_RETRY_MAX_MS 5000
#define END_S 7 /* after SIGTERM; a last save may take 5 */

/* ---- The loop ---- */

static int on_timer(zloop_t *loop, int timer, void *arg);

/* Returns 0; or -1, which ends the loop, when the lease is lost. */
static int check_lease(struct ingestor *ingestor)
{
    struct lease_grant grant;
    struct error why;
    if (lease_await(ingestor->lease, 0, &grant, &why) == LEASE_LOST) {
        return ingestor_stand_down(ingestor, &why);
    }
    if (ingestor->publishing.deposed) {
        error_set(&why, STATUS_AGAIN, "the lease could not be renewed in time");
        return ingestor_stand_down(ingestor, &why);
    }
    return 0;
}

/* Does what is due, and sets the timer for what is due next. Returns what handlers return. */
static int tick(struct ingestor *ingestor)
{
    if (ingestor_check_clock(ingestor) != 0) {
        return -1;
    }
    if (ingestor->phase == INGESTOR_LIVE &&
        fold_put_off_due(ingestor->fold, ingestor_now(ingestor).wall)) {
        ingestor_build_next(ingestor);
    }
    const int64_t wait_us = ingestor_publish_due(ingestor);
    ingestor_save_if_due(ingestor);
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
        if (ingestor_handle(ingestor, &message) != 0) {
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
    (void)server_process(ingestor->answering.server, clock_mono(), QUERY_BUDGET);
    return 0;
}

static int on_pushed(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    ingestor_push_answer(arg);
    return 0;
}

static int on_told(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    ingestor_alerts_answer(arg);
    return tick(arg);
}

static int on_guard(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    guard_process(ingestor->answering.guard, clock_mono(), GUARD_BUDGET);
    return 0;
}

static int on_listeners_timer(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    struct ingestor *ingestor = arg;
    listeners_check(ingestor->answering.listeners);
    guard_count_broken(ingestor->answering.guard, clock_mono());
    notify_alive(clock_mono());
    return 0;
}

static int on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    const int signal = program_signal(ingestor->program);
    if (signal == SIGHUP) {
        return ingestor_reload(ingestor);
    }
    return signal != 0 ? -1 : 0;
}

/* The guard, and what it guards. */
static int open_sockets(struct ingestor *ingestor, struct error *err)
{
    const struct config *config = ingestor->config;
    ingestor->answering.query =
        (struct query){.store = publisher_store(ingestor->publisher),
                       .events = publisher_events(ingestor->publisher),
                       .state = ingestor_describe,
                       .stats = ingestor_stats,
                       .push = ingestor->pushing.writer != NULL ? ingestor_push_take : NULL,
                       .alerts = ingestor_alerts_query,
                       .arg = ingestor};
    query_init(&ingestor->answering.query);
    int status = guard_create(config, &ingestor->answering.guard, err);
    if (status == STATUS_OK) {
        ingestor->publishing.outlet = outlet_create(ZMQ_PUB, config->ingestor.publish, config, err);
        status = ingestor->publishing.outlet != NULL ? STATUS_OK : STATUS_IO;
    }
    if (status == STATUS_OK) {
        status = server_create(config->ingestor.query, config, &ingestor->answering.query,
                               &ingestor->answering.server, err);
    }
    if (status == STATUS_OK) {
        guard_watch(ingestor->answering.guard, outlet_socket(ingestor->publishing.outlet));
        guard_watch(ingestor->answering.guard, server_socket(ingestor->answering.server));
    }
    return status;
}

int ingestor_create(struct program *program, struct ingestor **out, struct error *err)
{
    const struct config *config = program->config;
    const struct source_ops *source = sources_find(config);
    const struct source_stores *stores = sources_stores(config);
    *out = NULL;
    if (source == NULL || stores == NULL) {
        return error_set(err, STATUS_INVALID, "this ingestor has no source that reads %s",
                         config->source.uri);
    }
    struct ingestor *ingestor = x_calloc(1, sizeof *ingestor);
    *out = ingestor;
    ingestor->program = program;
    ingestor->config = config;
    snprintf(ingestor->answering.instance, sizeof ingestor->answering.instance, "ingestor-%d-%lld",
             (int)getpid(), (long long)clock_wall().us);
    ingestor->loop = zloop_new();
    ingestor->answering.listeners = listeners_create();
    ingestor->publisher = publisher_create(config, ingestor_send, ingestor);
    ingestor->dedupe = dedupe_create(config);
    ingestor_push_begin(ingestor);
    ingestor_alerts_begin(ingestor);
    if (open_sockets(ingestor, err) != STATUS_OK) {
        ingestor_destroy(out);
        return STATUS_IO;
    }
    listeners_add(ingestor->answering.listeners, outlet_socket(ingestor->publishing.outlet));
    listeners_add(ingestor->answering.listeners, server_socket(ingestor->answering.server));
    const int64_t interval_ms = config->ingestor.checkpoint_interval_ms;
    ingestor->saving.backoff = (struct backoff){
        .first_ms = interval_ms,
        .max_ms = interval_ms > CHECKPOINT_RETRY_MAX_MS ? interval_ms : CHECKPOINT_RETRY_MAX_MS,
        .random = (uint64_t)clock_wall().us,
    };
    ingestor->lease = lease_create(config, stores->lease);
    const struct reader_parts parts = {config,        source,          stores->state,
                                       stores->lease, ingestor->lease, NULL};
    ingestor->reader = reader_create(&parts);
    return STATUS_OK;
}

void ingestor_destroy(struct ingestor **ingestor_p)
{
    struct ingestor *ingestor = *ingestor_p;
    if (ingestor == NULL) {
        return;
    }
    ingestor_build_stop(ingestor);
    zloop_destroy(&ingestor->loop);
    listeners_destroy(&ingestor->answering.listeners);
    push_writer_destroy(&ingestor->pushing.writer);
    ingestor_alerts_finish(ingestor);
    reader_destroy(&ingestor->reader);
    lease_destroy(&ingestor->lease); /* the next holder may begin */
    guard_destroy(&ingestor->answering.guard);
    server_destroy(&ingestor->answering.server);
    outlet_destroy(&ingestor->publishing.outlet);
    query_free(&ingestor->answering.query);
    newest_clear(&ingestor->newest);
    fold_destroy(&ingestor->fold);
    dedupe_destroy(&ingestor->dedupe);
    ingestor_reload_finish(ingestor);
    publisher_destroy(&ingestor->publisher);
    buf_free(&ingestor->source.state);
    state_changes_free(&ingestor->saving.changes);
    free(ingestor);
    *ingestor_p = NULL;
}

static void poll_on(struct ingestor *ingestor, void *socket, int fd, zloop_fn *handler)
{
    zmq_pollitem_t item = {socket, fd, ZMQ_POLLIN, 0};
    zloop_poller(ingestor->loop, &item, handler, ingestor);
    zloop_poller_set_tolerant(ingestor->loop, &item);
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
    poll_on(ingestor, server_socket(ingestor->answering.server), 0, on_query);
    if (guard_socket(ingestor->answering.guard) != NULL) {
        poll_on(ingestor, guard_socket(ingestor->answering.guard), 0, on_guard);
    }
    if (ingestor->pushing.writer != NULL) {
        poll_on(ingestor, push_writer_socket(ingestor->pushing.writer), 0, on_pushed);
    }
    if (ingestor->alerting.sender != NULL) {
        poll_on(ingestor, alert_sender_socket(ingestor->alerting.sender), 0, on_told);
    }
    poll_on(ingestor, NULL, ingestor->program->signals, on_signal);
    zloop_timer(ingestor->loop, LISTENERS_CHECK_MS, 0, on_listeners_timer, ingestor);
    notify_ready("beginning, or waiting for another ingestor to end");
    (void)tick(ingestor);
    zloop_start(ingestor->loop);
    if (!ingestor->start_again) {
        notify_stopping();
        end_in_time();
    }
    ingestor_save_at_end(ingestor);
    log_info("stopped");
    if (ingestor->refused) {
        return INGESTOR_REFUSED;
    }
    return ingestor->start_again ? INGESTOR_AGAIN : INGESTOR_STOPPED;
}
