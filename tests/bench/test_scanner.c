/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "tests/bench/scanner.h"

struct seen {
    uint64_t stamps[8];
    size_t count;
};

static void see(void *arg, uint64_t stamp)
{
    struct seen *seen = arg;
    assert_true(seen->count < 8);
    seen->stamps[seen->count++] = stamp;
}

/* Whatever the pieces are that the bytes come in. */
static void stamps_are_found(void **state)
{
    (void)state;
    static const char text[] = "data: {\"summary\":\"~0000000000000042~xx\"}\n\n~~1234567890123456~"
                               "~12~ ~00000000000000421~ ~000000000000004x~0000000000000007~";
    for (size_t size = 1; size <= sizeof text; size++) {
        struct scanner scanner;
        struct seen seen = {.count = 0};
        scanner_reset(&scanner);
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            const size_t left = sizeof text - 1 - at;
            scanner_stamps(&scanner, text + at, left < size ? left : size, see, &seen);
        }
        assert_int_equal(seen.count, 3);
        assert_int_equal(seen.stamps[0], 42);
        assert_true(seen.stamps[1] == UINT64_C(1234567890123456));
        assert_int_equal(seen.stamps[2], 7);
    }
}

static void a_text_is_found_once(void **state)
{
    (void)state;
    static const char wanted[] = "\"key:t19,";
    static const char text[] = "\"\"key:t1\"key:t1,\"key:t19,\"key:t19,";
    for (size_t size = 1; size <= sizeof text; size++) {
        struct scanner scanner;
        int found = 0;
        scanner_reset(&scanner);
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            const size_t left = sizeof text - 1 - at;
            found += scanner_text(&scanner, text + at, left < size ? left : size, wanted,
                                  sizeof wanted - 1);
        }
        assert_int_equal(found, 1);
    }
    struct scanner scanner;
    scanner_reset(&scanner);
    assert_false(scanner_text(&scanner, text, 20, wanted, sizeof wanted - 1));
}

static void answers_are_measured(void **state)
{
    (void)state;
    static const char ok[] = "HTTP/1.1 200 OK\r\nETag: \"x\"\r\ncontent-LENGTH: 5\r\n\r\nhello";
    static const char not_modified[] = "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n";
    static const char endless[] = "HTTP/1.1 200 OK\r\nX-Content-Length: 5\r\n\r\n";
    for (size_t len = 0; len < sizeof ok - 1; len++) {
        assert_int_equal(answer_length(ok, len), 0);
    }
    assert_int_equal(answer_length(ok, sizeof ok - 1), sizeof ok - 1);
    assert_int_equal(answer_length(not_modified, sizeof not_modified - 1), sizeof not_modified - 1);
    assert_true(answer_length(endless, sizeof endless - 1) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_are_found),
        cmocka_unit_test(a_text_is_found_once),
        cmocka_unit_test(answers_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
