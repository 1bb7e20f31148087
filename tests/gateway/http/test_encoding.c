/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/http/encoding.h"

static bool gzip_wanted(const char *line, const char *second)
{
    struct encoding_weights accepted = ENCODING_NOTHING;
    encoding_take_line(&accepted, str_of(line));
    if (second != NULL) {
        encoding_take_line(&accepted, str_of(second));
    }
    return encoding_wants_gzip(&accepted);
}

static void weights_are_honoured(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool gzip;
    } cases[] = {
        {"", false},
        {"gzip", true},
        {"x-gzip", true},
        {"GZip;Q=0.5", true},
        {"gzip, deflate, br", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {"deflate , \t gzip ; q=0.001", true},
        {"gzip;q=0", false},
        {"gzip;q=0.0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=1.000", true},
        {"identity", false},
        {"br", false},
        {"*", true},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0, gzip", true},
        {"identity;q=1, gzip;q=0.5", false},
        {"identity;q=0.5, gzip;q=1", true},
        {"identity;q=0", false},
        {"gzipped", false},
        {"gzip;level=9;q=0", false},
        {"gzip;q=nonsense", true},
        {",,;;q=0,", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (gzip_wanted(cases[i].line, NULL) != cases[i].gzip) {
            fail_msg("Accept-Encoding: %s", cases[i].line);
        }
    }
    assert_true(gzip_wanted("br", "gzip"));
    assert_false(gzip_wanted("gzip;q=0", "*"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_honoured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
