/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "ingestor/source/batch.h"
#include "tests/unit.h"

/* A world without a database: a source whose rows are a number, a checkpoint and a lease that do as
 * they are told. The test's thread sets what the reader's and the keeper's threads find. */
static struct {
    _Atomic int rows;          /* still to be read */
    _Atomic bool source_fails; /* each read */
    _Atomic int opened_after;  /* the row that the source was opened behind the last time */
    _Atomic int load_status;
    _Atomic int save_status;
    _Atomic int append_status;
    _Atomic int renew_status;
} world;

/* ---- The source: row n has ordinal n, and the state is that number ---- */

struct fake_source {
    struct source base;
    int position;
    bool begun;
};

static const struct source_ops fake_source;

static int source_open(const struct config *config, struct str state, struct str journal,
                       uint64_t epoch, struct source **out, struct error *err)
{
    (void)config;
    (void)journal;
    (void)epoch;
    (void)err;
    struct fake_source *s = x_calloc(1, sizeof *s);
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)state.len, state.p != NULL ? state.p : "");
    s->base.ops = &fake_source;
    s->position = atoi(text);
    world.opened_after = s->position;
    *out = &s->base;
    return STATUS_OK;
}

static void source_close(struct source *source)
{
    free(source);
}

static int source_read(struct source *source, size_t max_rows, struct batch **out,
                       struct error *err)
{
    struct fake_source *s = (struct fake_source *)source;
    (void)max_rows;
    *out = NULL;
    if (world.source_fails) {
        return error_set(err, STATUS_IO, "the source is down");
    }
    if (world.rows == 0 && s->begun) {
        return STATUS_OK;
    }
    struct batch *batch = batch_create(0);
    if (world.rows != 0) {
        world.rows--;
        batch_event(batch)->id.number = ++s->position;
    }
    s->begun = true;
    batch->ordinal = (uint64_t)s->position;
    batch->origin = 1;
    batch->more = world.rows != 0;
    char state[16];
    snprintf(state, sizeof state, "%d", s->position);
    batch_finish(batch, str_of(state), STR("record"));
    *out = batch;
    return STATUS_OK;
}

static int source_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err)
{
    (void)source;
    (void)err;
    struct pollfd fd = {wake_fd, POLLIN, 0};
    for (int waited = 0; waited < timeout_ms && !*woken && poll(&fd, 1, 1) == 0; waited++) {
        *woken = world.rows != 0 || world.source_fails;
    }
    return STATUS_OK;
}

static uint64_t source_renumber(struct source *source)
{
    (void)source;
    return 2;
}

static const struct source_ops fake_source = {
    .scheme = "fake",
    .journals = true,
    .open = source_open,
    .close = source_close,
    .read = source_read,
    .wait = source_wait,
    .renumber = source_renumber,
};

/* ---- The state ---- */

static struct state_store a_state;

static int state_open(const struct config *config, const struct state_fence *fence,
                      struct state_store **out, struct error *err)
{
    (void)config;
    (void)err;
    assert_int_equal(fence->number, 3);
    *out = &a_state;
    return STATUS_OK;
}

static void state_close(struct state_store *store)
{
    (void)store;
}

static int state_load(struct state_store *store, struct state_changes *out, struct error *err)
{
    (void)store;
    state_put(out, (struct state_id){1, 0, 0}, STR("saved"));
    return world.load_status == STATUS_OK ? STATUS_OK
                                          : error_set(err, world.load_status, "cannot be used");
}

static int state_save(struct state_store *store, const struct state_changes *changes,
                      uint64_t record, struct error *err)
{
    (void)store;
    (void)changes;
    (void)record;
    return world.save_status == STATUS_OK ? STATUS_OK
                                          : error_set(err, world.save_status, "cannot save");
}

static int state_append(struct state_store *store, uint64_t number, struct str record,
                        struct error *err)
{
    (void)store;
    (void)number;
    (void)record;
    return world.append_status == STATUS_OK ? STATUS_OK
                                            : error_set(err, world.append_status, "cannot append");
}

static int state_journal(struct state_store *store, struct state_changes *out, struct error *err)
{
    (void)store;
    (void)out;
    (void)err;
    return STATUS_OK;
}

static const struct state_store_ops fake_state = {
    .open = state_open,
    .close = state_close,
    .load = state_load,
    .save = state_save,
    .append = state_append,
    .journal = state_journal,
};

/* ---- The lease ---- */

static struct lease_store a_store;

static int store_open(const struct config *config, struct lease_store **out, struct error *err)
{
    (void)config;
    (void)err;
    *out = &a_store;
    return STATUS_OK;
}

static void store_close(struct lease_store *store)
{
    (void)store;
}

static int store_acquire(struct lease_store *store, boot_time now, struct lease_grant *out,
                         struct error *err)
{
    (void)store;
    (void)now;
    (void)err;
    *out = (struct lease_grant){.number = 3, .epoch = 77};
    return STATUS_OK;
}

static int store_renew(struct lease_store *store, struct error *err)
{
    (void)store;
    return world.renew_status == STATUS_OK ? STATUS_OK
                                           : error_set(err, world.renew_status, "taken");
}

static const struct lease_store_ops fake_store = {
    .open = store_open,
    .close = store_close,
    .acquire = store_acquire,
    .renew = store_renew,
};

/* ---- The main thread ---- */

struct fixture {
    struct config config;
    struct lease *lease;
    struct reader *reader;
};

/* The next message within wait_ms; false when there is none. */
static bool next_message(struct fixture *f, int wait_ms, struct reader_message *out)
{
    zmq_pollitem_t item = {reader_socket(f->reader), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, wait_ms);
    return reader_receive(f->reader, out);
}

static struct reader_message expect(struct fixture *f, enum reader_kind kind)
{
    struct reader_message message;
    assert_true(next_message(f, 10000, &message));
    assert_int_equal(message.kind, kind);
    return message;
}

/* Expects a batch that ends with that row. Returns its origin. */
static uint64_t expect_row(struct fixture *f, uint64_t ordinal)
{
    struct reader_message message = expect(f, READER_BATCH);
    const uint64_t origin = message.batch->origin;
    assert_int_equal(message.batch->ordinal, ordinal);
    batch_destroy(&message.batch);
    return origin;
}

static void assert_silent(struct fixture *f)
{
    struct reader_message message;
    assert_false(next_message(f, 100, &message));
}

static void start(struct fixture *f)
{
    *f = (struct fixture){.config.source.poll_interval_ms = 20000};
    f->lease = lease_create(&f->config, &fake_store);
    const struct reader_parts parts = {&f->config,  &fake_source, &fake_state,
                                       &fake_store, f->lease,     NULL};
    f->reader = reader_create(&parts);
}

/* Until the reader has opened the source, behind row 4. */
static void setup(struct fixture *f, int rows)
{
    memset(&world, 0, sizeof world);
    world.rows = rows;
    start(f);
    struct reader_message leader = expect(f, READER_LEADER);
    assert_int_equal(leader.epoch, 77);
    assert_true(str_is(state_value(leader.state, &leader.state->list[0]), "saved"));
    assert_false(leader.state_lost);
    reader_message_free(&leader);
    assert_silent(f); /* it waits for being told where to begin */
    reader_begin(f->reader, STR("4"), leader.epoch);
    expect(f, READER_UP);
    assert_int_equal(world.opened_after, 4);
}

static void teardown(struct fixture *f)
{
    reader_destroy(&f->reader);
    lease_destroy(&f->lease);
}

static void test_no_more_batches_than_credits(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 10);
    for (uint64_t i = 1; i <= READER_BATCHES; i++) {
        expect_row(&f, 4 + i);
    }
    assert_silent(&f);
    reader_credit(f.reader);
    expect_row(&f, 4 + READER_BATCHES + 1);
    assert_silent(&f);
    teardown(&f);
}

static void test_an_idle_reader_is_woken(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    expect_row(&f, 5);
    assert_silent(&f);
    world.rows = 1;
    expect_row(&f, 6);
    teardown(&f);
}

static void test_a_source_that_fails_is_opened_again_behind_the_last_batch(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    expect_row(&f, 5);
    world.source_fails = true;
    const struct reader_message down = expect(&f, READER_DOWN);
    assert_string_equal(down.error.text, "the source is down");
    assert_silent(&f); /* it is told once, though it is tried again */
    world.rows = 1;
    world.source_fails = false;
    expect(&f, READER_UP);
    assert_int_equal(world.opened_after, 5);
    expect_row(&f, 6);
    teardown(&f);
}

static struct state_changes no_changes;

static void test_changes_are_stored_while_the_source_is_idle(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    expect_row(&f, 5);
    reader_save(f.reader, &no_changes, 0);
    expect(&f, READER_SAVED);
    world.save_status = STATUS_IO;
    reader_save(f.reader, &no_changes, 0);
    assert_string_equal(expect(&f, READER_SAVE_FAILED).error.text, "cannot save");
    world.save_status = STATUS_INVALID;
    reader_save(f.reader, &no_changes, 0);
    assert_string_equal(expect(&f, READER_STATE_LOST).error.text, "cannot save");
    world.rows = 1;
    expect_row(&f, 6);
    teardown(&f);
}

static void test_a_journal_that_cannot_be_written_costs_the_origin_once(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    assert_int_equal(expect_row(&f, 5), 1);
    world.append_status = STATUS_IO;
    world.rows = 1;
    assert_int_equal(expect_row(&f, 6), 2); /* what the source renumbered to */
    reader_credit(f.reader);
    world.rows = 1;
    assert_int_equal(expect_row(&f, 7), 1); /* the fake source does not remember; it is not asked */
    teardown(&f);
}

/* The batch was not handed on, so it is read again. */
static void test_a_batch_whose_record_is_in_doubt_is_held_back(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    expect_row(&f, 5);
    world.append_status = STATUS_AGAIN;
    world.rows = 1;
    assert_string_equal(expect(&f, READER_DOWN).error.text, "cannot append");
    world.append_status = STATUS_OK;
    expect(&f, READER_UP);
    assert_int_equal(world.opened_after, 5);
    teardown(&f);
}

static void test_a_lease_that_is_lost_ends_the_reading(void **state)
{
    (void)state;
    struct fixture f;
    struct reader_message message;
    setup(&f, 1);
    expect_row(&f, 5);
    world.renew_status = STATUS_DENIED;
    assert_string_equal(expect(&f, READER_LOST).error.text, "taken");
    world.rows = 1;
    assert_false(next_message(&f, 300, &message));
    teardown(&f);
}

static void test_a_save_that_is_fenced_off_says_that_the_lease_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1);
    expect_row(&f, 5);
    world.save_status = STATUS_DENIED;
    reader_save(f.reader, &no_changes, 0);
    assert_string_equal(expect(&f, READER_LOST).error.text, "cannot save");
    expect(&f, READER_SAVE_FAILED);
    assert_false(lease_valid(f.lease));
    world.rows = 1;
    assert_silent(&f);
    teardown(&f);
}

/* One that is damaged is told with READER_LEADER; to lead with one of a newer version would write
 * over it. */
static void test_a_state_of_a_newer_version_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    memset(&world, 0, sizeof world);
    world.load_status = STATUS_NEWER;
    start(&f);
    assert_string_equal(expect(&f, READER_REFUSED).error.text, "cannot be used");
    assert_silent(&f);
    teardown(&f);
    world.load_status = STATUS_INVALID;
    start(&f);
    const struct reader_message leader = expect(&f, READER_LEADER);
    assert_null(leader.state);
    assert_true(leader.state_lost);
    assert_string_equal(leader.error.text, "cannot be used");
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_batches_than_credits),
        cmocka_unit_test(test_an_idle_reader_is_woken),
        cmocka_unit_test(test_a_source_that_fails_is_opened_again_behind_the_last_batch),
        cmocka_unit_test(test_changes_are_stored_while_the_source_is_idle),
        cmocka_unit_test(test_a_journal_that_cannot_be_written_costs_the_origin_once),
        cmocka_unit_test(test_a_batch_whose_record_is_in_doubt_is_held_back),
        cmocka_unit_test(test_a_lease_that_is_lost_ends_the_reading),
        cmocka_unit_test(test_a_save_that_is_fenced_off_says_that_the_lease_is_lost),
        cmocka_unit_test(test_a_state_of_a_newer_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
