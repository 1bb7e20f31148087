/* SPDX-License-Identifier: Apache-2.0 */
/* The secret of a proxy, as its file comes and changes. */
#include "gateway/auth/secret.h"

#include "tests/gateway/auth/auth_unit.h"

#define FIRST "0123456789abcdef"
#define SECOND "fedcba9876543210fedcba9876543210"

static void write_secret(const char *path, const char *text)
{
    write_file(path, text);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_it_is_the_first_line_and_nothing_else(void **state)
{
    (void)state;
    struct scene scene;
    struct secret *secret = NULL;
    scene_begin(&scene);
    const char *path = scene.paths[0];
    write_secret(path, FIRST "\nmore\n");
    assert_int_equal(secret_create(path, &secret, NULL), STATUS_OK);
    assert_true(secret_is(secret, STR(FIRST)));
    assert_false(secret_is(secret, STR("")));
    assert_false(secret_is(secret, STR_NULL));
    assert_false(secret_is(secret, STR("0123456789abcde")));
    assert_false(secret_is(secret, STR(FIRST "\nmore")));
    assert_false(secret_is(secret, STR("0123456789abcdeF")));
    secret_destroy(&secret);
    scene_end(&scene);
}

static void test_a_new_one_counts_when_it_is_one(void **state)
{
    (void)state;
    struct scene scene;
    struct secret *secret = NULL;
    scene_begin(&scene);
    const char *path = scene.paths[0];
    write_secret(path, FIRST "\n");
    assert_int_equal(secret_create(path, &secret, NULL), STATUS_OK);
    assert_false(secret_refresh(secret));
    write_secret(path, "short\n");
    assert_false(secret_refresh(secret));
    assert_false(secret_refresh(secret));
    assert_int_equal(secret_failures(secret), 1);
    assert_true(secret_is(secret, STR(FIRST)));
    assert_int_equal(unlink(path), 0);
    assert_false(secret_refresh(secret));
    assert_int_equal(secret_failures(secret), 2);
    write_secret(path, SECOND "\n");
    assert_true(secret_refresh(secret));
    assert_true(secret_is(secret, STR(SECOND)));
    assert_false(secret_is(secret, STR(FIRST)));
    secret_destroy(&secret);
    scene_end(&scene);
}

static void test_there_is_no_start_without_one(void **state)
{
    (void)state;
    struct scene scene;
    struct secret *secret = NULL;
    struct error err = {{0}};
    scene_begin(&scene);
    const char *path = scene.paths[0];
    write_secret(path, "short\n");
    assert_int_equal(secret_create(path, &secret, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "at least 16 characters"));
    assert_null(secret);
    write_secret(path, FIRST "\n");
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(secret_create(path, &secret, &err), STATUS_DENIED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secret_create(path, &secret, &err), STATUS_IO);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_first_line_and_nothing_else),
        cmocka_unit_test(test_a_new_one_counts_when_it_is_one),
        cmocka_unit_test(test_there_is_no_start_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
