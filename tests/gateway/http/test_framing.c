/* SPDX-License-Identifier: Apache-2.0 */
/* What real requests come to is in tests/integration/test_framing.py; this is about the texts that
 * lie behind one another. */
#include "gateway/http/framing.h"

#include <string.h>

#include "tests/unit.h"

/* A request as libmicrohttpd has it after it was parsed: what parted the texts is NUL. */
struct parsed {
    char bytes[512];
    size_t len;
    bool trims;
    struct framing framing;
};

static const char *put(struct parsed *p, const char *text, size_t len, size_t gap)
{
    char *at = p->bytes + p->len;
    memcpy(at, text, len);
    memset(at + len, 0, gap);
    p->len += len + gap;
    return at;
}

static void begin(struct parsed *p, const char *method, const char *target, const char *version)
{
    p->len = 0;
    const char *m = put(p, method, strlen(method), 1);
    const struct framing_target t =
        framing_target(put(p, target, strlen(target) + 1, 0)); /* with its NUL */
    const char *v = put(p, version, strlen(version), 2);
    framing_begin(&p->framing, m, t, v, p->trims);
}

/* blanks: between the colon and the value. */
static void line(struct parsed *p, const char *name, size_t blanks, const char *value)
{
    const size_t name_len = strlen(name);
    const size_t value_len = strlen(value);
    const char *n = put(p, name, name_len, 1 + blanks);
    const char *v = put(p, value, value_len, 2);
    framing_line(&p->framing, (struct str){n, name_len}, (struct str){v, value_len});
}

static unsigned end(struct parsed *p)
{
    (void)put(p, "", 0, 2);
    const struct framing_fault *fault = framing_end(&p->framing, p->len);
    return fault != NULL ? fault->status : 0;
}

static void test_texts_that_follow_on_one_another(void **state)
{
    (void)state;
    struct parsed p = {.trims = false};
    begin(&p, "GET", "/a?b=c", "HTTP/1.1");
    line(&p, "Host", 1, "localhost");
    line(&p, "A", 0, "");
    line(&p, "B", 5, "\tc d ");
    assert_int_equal(end(&p), 0);
    begin(&p, "GET", "/", "HTTP/1.0");
    assert_int_equal(end(&p), 0);
}

static void test_what_was_passed_over_shows(void **state)
{
    (void)state;
    struct parsed p = {.trims = false};
    for (int where = 0; where < 4; where++) {
        begin(&p, "GET", "/", "HTTP/1.1");
        p.len += where == 0; /* a byte between the first line and the next one */
        line(&p, "Host", 1, "localhost");
        p.len += where == 1;
        line(&p, "A", 1, "b");
        p.len += where == 2; /* at the end */
        assert_int_equal(end(&p), where < 3 ? 400 : 0);
    }
    static const char elsewhere[] = "Length"; /* a name that was put together anew */
    begin(&p, "GET", "/", "HTTP/1.1");
    line(&p, "Host", 1, "localhost");
    framing_line(&p.framing, (struct str){elsewhere, 6}, (struct str){elsewhere + 6, 0});
    assert_int_equal(end(&p), 400);
}

/* What libmicrohttpd 1.0 leaves of a line with blanks at its end: a NUL for the first of them. */
static void trimmed_line(struct parsed *p, const char *name, const char *value, const char *behind)
{
    const size_t name_len = strlen(name);
    const size_t value_len = strlen(value);
    const char *n = put(p, name, name_len, 2);
    const char *v = put(p, value, value_len, 1);
    (void)put(p, behind, strlen(behind), 0);
    framing_line(&p->framing, (struct str){n, name_len}, (struct str){v, value_len});
}

static void test_blanks_that_were_left_out_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *behind; /* the NUL behind the value */
        unsigned status;
    } cases[] = {
        {"\r\n", 0},    {" \r\n", 0}, {"\t  \t\r\n", 0}, {"\n", 0}, /* which is a CR that became a
                                                                       NUL */
        {"x\r\n", 400}, {" \n", 400}, {"\r\r\n", 400},   {" \n\r\n", 400}, {"\r \n", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int last = 0; last < 2; last++) {
            struct parsed p = {.trims = true};
            begin(&p, "GET", "/", "HTTP/1.1");
            if (last == 0) {
                trimmed_line(&p, "A", "b", cases[i].behind);
            }
            line(&p, "Host", 1, "localhost");
            if (last == 1) {
                trimmed_line(&p, "A", "b", cases[i].behind);
            }
            if (end(&p) != cases[i].status) {
                fail_msg("case %zu, at the end: %d", i, last);
            }
        }
    }
    struct parsed p = {.trims = false};
    begin(&p, "GET", "/", "HTTP/1.1");
    line(&p, "Host", 1, "localhost");
    trimmed_line(&p, "A", "b", " \r\n");
    assert_int_equal(end(&p), 400); /* version 0.9 leaves none out: this was a NUL */
}

static void test_a_target_that_ends_early_shows(void **state)
{
    (void)state;
    struct parsed p = {.len = 0};
    const char *method = put(&p, "GET", 3, 1);
    const struct framing_target target = framing_target(put(&p, "/a\0b", 4, 1));
    const char *version = put(&p, "HTTP/1.0", 8, 2);
    framing_begin(&p.framing, method, target, version, false);
    assert_int_equal(end(&p), 400);
}

static unsigned of_line(const char *version, const char *name, const char *value)
{
    struct parsed p = {.trims = false};
    begin(&p, "POST", "/", version);
    line(&p, "Host", 1, "h");
    line(&p, name, 1, value);
    return end(&p);
}

static void test_transfer_codings(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned status;
    } cases[] = {
        {"chunked", 0},       {"CHUNKED", 0},         {"", 400},         {"chunked ", 400},
        {"gzip", 400},        {"xchunked", 400},      {"chunke", 400},   {"chunked, gzip", 400},
        {"identity", 400},    {"gzip, chunked", 501}, {",chunked", 501}, {"\"chunked\"", 400},
        {"chunked;q=1", 400}, {"chunked\x01", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(of_line("HTTP/1.1", "transfer-encoding", cases[i].value), cases[i].status);
    }
    assert_int_equal(of_line("HTTP/1.0", "Transfer-Encoding", "chunked"), 400);
}

static void test_lengths(void **state)
{
    (void)state;
    struct parsed p = {.trims = false};
    assert_int_equal(of_line("HTTP/1.1", "Content-Length", "3"), 0);
    begin(&p, "POST", "/", "HTTP/1.1");
    line(&p, "Host", 1, "h");
    line(&p, "Content-Length", 1, "3");
    line(&p, "CONTENT-LENGTH", 1, "3");
    assert_int_equal(end(&p), 400);
    for (int first = 0; first < 2; first++) {
        begin(&p, "POST", "/", "HTTP/1.1");
        line(&p, "Host", 1, "h");
        line(&p, first != 0 ? "Content-Length" : "Transfer-Encoding", 1,
             first != 0 ? "3" : "chunked");
        line(&p, first == 0 ? "Content-Length" : "Transfer-Encoding", 1,
             first == 0 ? "3" : "chunked");
        assert_int_equal(end(&p), 400);
    }
}

static unsigned of_first(const char *method, const char *target)
{
    struct parsed p = {.trims = false};
    begin(&p, method, target, "HTTP/1.1");
    line(&p, "Host", 1, "h");
    return end(&p);
}

static void test_methods_and_targets(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *target;
        bool good;
    } cases[] = {
        {"GET", "/", true},          {"M-SEARCH", "/", true},    {"", "/", false},
        {"G T", "/", false},         {"G\xc3\xa4T", "/", false}, {"GET", "", false},
        {"GET", "a", false},         {"GET", "/ ", false},       {"GET", "/?\x7f", false},
        {"GET", "/\xff", true},      {"GET", "http://h", true},  {"GET", "HTTPS://h/", true},
        {"GET", "http:/h", false},   {"GET", "*", false},        {"OPTIONS", "*", true},
        {"OPTIONS", "**", false},    {"GET", "h:80", false},     {"CONNECT", "h:80", true},
        {"CONNECT", "h: 80", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(of_first(cases[i].method, cases[i].target), cases[i].good ? 0 : 400);
    }
}

static void test_names_and_values(void **state)
{
    (void)state;
    assert_int_equal(of_line("HTTP/1.1", "A!#$%&'*+-.^_`|~09az", "\t \x80\xff"), 0);
    assert_int_equal(of_line("HTTP/1.1", "A ", "b"), 400);
    assert_int_equal(of_line("HTTP/1.1", "", "b"), 400);
    assert_int_equal(of_line("HTTP/1.1", "A@", "b"), 400);
    for (int c = 1; c < 0x80; c++) {
        const char value[] = {'a', (char)c, '\0'};
        const bool good = c == '\t' || (c >= ' ' && c != 0x7f);
        assert_int_equal(of_line("HTTP/1.1", "A", value), good ? 0 : 400);
    }
}

static void test_the_value_of_a_length(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned status;
    } cases[] = {
        {"0", 0},
        {"00012", 0},
        {"18446744073709551615", 0},
        {"18446744073709551616", 413},
        {"99999999999999999999", 413},
        {"99999999999999999999x", 400},
        {"000000000000000000000000000001", 0},
        {"", 400},
        {"+0", 400},
        {"-1", 400},
        {"0, 0", 400},
        {"0x0", 400},
        {"1 ", 400},
        {"\xb2", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct framing_fault *fault = framing_length_fault(str_of(cases[i].value));
        assert_int_equal(fault != NULL ? fault->status : 0, cases[i].status);
    }
    struct parsed p = {.trims = false};
    begin(&p, "GET", "/", "HTTP/1.1");
    line(&p, "Host", 1, "localhost");
    line(&p, "content-length", 1, "0x0");
    assert_int_equal(end(&p), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_that_follow_on_one_another),
        cmocka_unit_test(test_what_was_passed_over_shows),
        cmocka_unit_test(test_blanks_that_were_left_out_are_looked_at),
        cmocka_unit_test(test_a_target_that_ends_early_shows),
        cmocka_unit_test(test_transfer_codings),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_the_value_of_a_length),
        cmocka_unit_test(test_methods_and_targets),
        cmocka_unit_test(test_names_and_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
