/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease.h"

#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit.h"

/* A store that gives the lease to whoever asks. */
static struct lease_store the_store;
static _Atomic int closed;

static int store_open(const struct config *config, struct lease_store **out, struct error *err)
{
    (void)config;
    (void)err;
    *out = &the_store;
    return STATUS_OK;
}

static void store_close(struct lease_store *store)
{
    (void)store;
    closed++;
}

static int store_acquire(struct lease_store *store, boot_time now, struct lease_grant *out,
                         struct error *err)
{
    (void)store;
    (void)now;
    (void)err;
    *out = (struct lease_grant){.number = 1, .epoch = 1};
    return STATUS_OK;
}

static int store_renew(struct lease_store *store, struct error *err)
{
    (void)store;
    (void)err;
    return STATUS_OK;
}

static const struct lease_store_ops store_ops = {store_open, store_close, store_acquire,
                                                 store_renew, NULL};

static void test_what_was_given_back_is_gone_before_the_end(void **state)
{
    (void)state;
    struct lease_grant grant;
    struct error why;
    struct lease *lease = lease_create(NULL, &store_ops);
    assert_int_equal(lease_await(lease, 60000, &grant, &why), LEASE_HELD);
    assert_true(lease_hold(lease));
    lease_give_back(lease);
    assert_false(lease_valid(lease));
    assert_false(lease_hold(lease));
    assert_int_equal(lease_await(lease, 0, &grant, &why), LEASE_LOST);
    for (int i = 0; i < 60000 && closed == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(closed, 1);
    lease_destroy(&lease);
    assert_int_equal(closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_given_back_is_gone_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
