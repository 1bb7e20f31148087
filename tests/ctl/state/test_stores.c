/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/state/stores.h"

#include <sqlite3.h>

#include "common/lease/lease_file.h"
#include "tests/common/state/state_file_unit.h"

#define SOON_MS 100 /* For so long a lease is asked for that somebody else holds. */

/* One that is free is there at once; but the thread that takes it may get its turn late. */
#define FREE_MS 60000

static struct config *configured(struct fixture *f)
{
    f->config.ingestor.checkpoint = CHECKPOINT_FILE;
    return &f->config;
}

static void write_one(struct stores_held *held, const char *value)
{
    assert_int_equal(stores_open(held, NULL), STATUS_OK);
    assert_int_equal(save_one(held->store, ID(1, 0, 0), value, NULL), STATUS_OK);
}

static void test_who_holds_the_state_writes_it_and_keeps_others_out(void **state)
{
    (void)state;
    struct fixture f;
    struct stores_held held;
    struct error err;
    setup(&f);
    save(&f, ID(1, 0, 0), "by the ingestor");
    state_file.close(f.store);
    assert_int_equal(stores_hold(&held, configured(&f), FREE_MS, &err), STATUS_OK);
    struct lease *ingestor = lease_create(&f.config, &lease_file);
    struct lease_grant grant;
    assert_int_equal(lease_await(ingestor, SOON_MS, &grant, &err), LEASE_WAITING);
    write_one(&held, "by us");
    stores_release(&held);
    assert_int_equal(lease_await(ingestor, FREE_MS, &grant, &err), LEASE_HELD);
    lease_destroy(&ingestor);
    f.number = grant.number;
    assert_int_equal(open_as(&f, f.number, &f.store, NULL), STATUS_OK);
    assert_loads(f.store, "1/0/0=by us");
    teardown(&f);
}

static void test_while_an_ingestor_lives_the_state_cannot_be_had(void **state)
{
    (void)state;
    struct fixture f;
    struct stores_held held;
    struct lease_grant grant;
    struct error err;
    setup(&f);
    struct lease *ingestor = lease_create(configured(&f), &lease_file);
    assert_int_equal(lease_await(ingestor, FREE_MS, &grant, &err), LEASE_HELD);
    assert_int_equal(stores_hold(&held, &f.config, SOON_MS, &err), STATUS_AGAIN);
    assert_non_null(strstr(err.text, "Stop the ingestor"));
    stores_release(&held);
    assert_true(lease_hold(ingestor));
    lease_destroy(&ingestor);
    assert_int_equal(stores_hold(&held, &f.config, FREE_MS, &err), STATUS_OK);
    stores_release(&held);
    teardown(&f);
}

static void test_a_holder_that_is_overtaken_writes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct stores_held held;
    struct error err;
    setup(&f);
    save(&f, ID(1, 0, 0), "before");
    assert_int_equal(stores_hold(&held, configured(&f), FREE_MS, &err), STATUS_OK);
    state_file.close(f.store);
    assert_int_equal(stores_open(&held, NULL), STATUS_OK);
    char *next = x_asprintf("%s.lock.%llu", f.path, (unsigned long long)held.grant.number + 1);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(save_one(held.store, ID(1, 0, 0), "after", &err), STATUS_DENIED);
    stores_release(&held);
    free(next);
    assert_int_equal(state_file.open(&f.config, NULL, &f.store, NULL), STATUS_OK);
    assert_loads(f.store, "1/0/0=before");
    teardown(&f);
}

static void test_reading_needs_no_lease(void **state)
{
    (void)state;
    struct fixture f;
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct error err;
    setup(&f);
    assert_int_equal(stores_read(configured(&f), &records, &journal, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "ingestor.checkpoint"));
    save(&f, ID(1, 0, 0), "x");
    assert_int_equal(state_file.append(f.store, 5, STR("record"), NULL), STATUS_OK);
    assert_int_equal(stores_read(&f.config, &records, &journal, &err), STATUS_OK);
    assert_changes(&records, "1/0/0=x");
    assert_changes(&journal, "0/0/5=record");
    assert_int_equal(files(&f, ".lock."), 0);
    state_changes_free(&records);
    state_changes_free(&journal);
    teardown(&f);
}

/* Without its journal a state would go on as if nothing had been delivered out of order. */
static void test_a_damaged_journal_is_told_to_who_wants_it(void **state)
{
    (void)state;
    struct fixture f;
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct error err;
    sqlite3 *db;
    setup(&f);
    save(&f, ID(1, 0, 0), "x");
    assert_int_equal(state_file.append(f.store, 5, STR("record"), NULL), STATUS_OK);
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE journal SET n = 6", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(stores_read(configured(&f), &records, &journal, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "start the ingestor once"));
    assert_int_equal(stores_read(&f.config, &records, NULL, &err), STATUS_OK);
    free(path);
    state_changes_free(&records);
    state_changes_free(&journal);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_holds_the_state_writes_it_and_keeps_others_out),
        cmocka_unit_test(test_while_an_ingestor_lives_the_state_cannot_be_had),
        cmocka_unit_test(test_a_holder_that_is_overtaken_writes_nothing),
        cmocka_unit_test(test_reading_needs_no_lease),
        cmocka_unit_test(test_a_damaged_journal_is_told_to_who_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
