/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit.h"

struct result {
    int status;
    char *out;
    char *err;
};

static struct result check_text(const char *text, char path[32])
{
    strcpy(path, "/tmp/tilewire-check-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct result result = {0};
    size_t size = 0;
    FILE *out = open_memstream(&result.out, &size);
    FILE *err = open_memstream(&result.err, &size);
    result.status = check_file(path, out, err);
    fclose(out);
    fclose(err);
    unlink(path);
    return result;
}

static void check_says(const char *text, int status, const char *out, const char *err)
{
    char path[32];
    char expected[256];
    struct result result = check_text(text, path);
    assert_int_equal(result.status, status);
    snprintf(expected, sizeof expected, "%s%s", *out != '\0' ? path : "", out);
    assert_string_equal(result.out, expected);
    snprintf(expected, sizeof expected, "%s%s", *err != '\0' ? path : "", err);
    assert_string_equal(result.err, expected);
    free(result.out);
    free(result.err);
}

static void test_right_files(void **state)
{
    (void)state;
    check_says("source: {uri: sqlite:e.db}\ntiles: [{key: a, type: count}]\n", 0, ": ok, 1 tile\n",
               "");
    check_says("source: {uri: sqlite:e.db}\n", 0, ": ok, 0 tiles\n", "");
    check_says("gateway:\n", 0, ": ok, 0 tiles, no source (enough for a cache or a gateway)\n", "");
}

/* The header of a database is enough. */
static void test_wal_is_advised(void **state)
{
    (void)state;
    char database[] = "/tmp/tilewire-check-db-XXXXXX";
    const int fd = mkstemp(database);
    char header[20] = "SQLite format 3";
    char text[128];
    char path[32];
    assert_true(fd >= 0);
    snprintf(text, sizeof text, "source: {uri: 'sqlite:%s'}\n", database);
    for (char version = 1; version <= 2; version++) {
        header[19] = version;
        assert_int_equal(pwrite(fd, header, sizeof header, 0), (ssize_t)sizeof header);
        struct result result = check_text(text, path);
        assert_int_equal(result.status, 0);
        const char *advice = strstr(result.out, "PRAGMA journal_mode=WAL");
        assert_true(version == 1 ? advice != NULL : advice == NULL);
        free(result.out);
        free(result.err);
    }
    close(fd);
    unlink(database);
}

static void test_wrong_file(void **state)
{
    (void)state;
    check_says("gatway:\n", 2, "", ":1:1: unknown key \"gatway\"; did you mean \"gateway\"?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_files),
        cmocka_unit_test(test_wal_is_advised),
        cmocka_unit_test(test_wrong_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
