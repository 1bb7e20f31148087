/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/own_file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit.h"

static void test_a_new_file_is_nobody_elses(void **state)
{
    (void)state;
    char folder[] = "/tmp/tilewire-own-XXXXXX";
    char path[64];
    char link[64];
    struct error err = {{0}};
    struct stat info;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    umask(0);
    assert_int_equal(own_file_create(path, 0600, STR("abc\n"), &err), STATUS_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, 4);
    assert_int_equal(own_file_create(path, 0600, STR("x"), &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "/key: it is there already, and is not overwritten"));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 4);
    /* A link that somebody has planted is not followed, wherever it leads. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(own_file_create(link, 0600, STR("x"), &err), STATUS_DENIED);
    assert_int_equal(stat(path, &info), -1);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(own_file_create(path, 0600, STR("x"), &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "everybody can replace files in "));
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(own_file_create(path, 0600, STR("x"), &err), STATUS_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_new_file_is_nobody_elses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
