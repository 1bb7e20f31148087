/* SPDX-License-Identifier: Apache-2.0 */
/* Broken files of every kind: whatever comes in, either a configuration or one sensible message
 * comes out. */
#include <stdio.h>

#include "common/base/buf.h"
#include "tests/common/config/config_unit.h"

#define SEED UINT64_C(20261123)
#define ROUNDS 20000

static const char whole[] =
    "insecure: true\n"
    "source:\n"
    "  uri: postgresql://ops@db.example.org:5432/shop?sslmode=require # where it is\n"
    "  table: audit.log\n"
    "  columns: {id: seq, timestamp: at, summary: null, region: region_code}\n"
    "  payload_in_events: true\n"
    "  password_file: 'secrets/db'\n"
    "  poll_interval: 500ms\n"
    "  time_zone: Europe/Berlin\n"
    "ingestor: {publish: \"tcp://0.0.0.0:1\", query: 'tcp://[::]:2', lanes: 4, own_lanes: [1, 3],\n"
    "           checkpoint: \"file:/var/c\", checkpoint_interval: 2s}\n"
    "cache: {publish: \"tcp://*:3\", query: \"ipc:///run/q\", events: 6, limits: {tiles: 7}}\n"
    "gateway:\n"
    "  listen: \"*:80\"\n"
    "  upstreams: [{publish: \"tcp://a:1\", query: \"tcp://a:2\"}]\n"
    "  limits: {streams: 1, streams_per_second: 0.5, header: 8KiB, body: 0}\n"
    "  trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
    "  cors_origins: [\"https://ops.example.org\", \"*\"]\n"
    "  hosts: [tiles.example.org, \"[fd00::5]\"]\n"
    "  roles: {ops: {}, support: {tiles: [\"a.*\"], events: [], fields: [summary]}}\n"
    "  auth: jwt\n"
    "  jwt: {issuers: [{issuer: \"https://a\", audience: b, jwks: c.jwks}], leeway: 1s}\n"
    "  proxy: {user_header: X-User, secret_file: s}\n"
    "  sign_in_url: https://login.example.org/start\n"
    "  base_path: /ops/tilewire\n"
    "  frame_ancestors: [\"https://wiki.example.org\", \"*\"]\n"
    "  views: {wall: \"show=orders.*\"}\n"
    "tiles:\n"
    "  - {key: a, title: \"Caf\xc3\xa9 \\u00e9\", type: count, match: {event_type: [a, \"b.*\"],\n"
    "     payload.n: 12}, window: 5m, group_by: region}\n"
    "  - key: b\n"
    "    type: trend\n"
    "    step: 10s\n"
    "    aggregate: avg\n"
    "    metric: q\n"
    "    labels: {host: a}\n"
    "    title: >-\n"
    "      folded\n"
    "      text\n"
    "  - {key: c, type: sla_risk, opens: {event_type: o}, closes: {event_type: c},\n"
    "     item: target_id, due: payload.due_at, refresh: {policy: interval, min_interval: 1s}}\n"
    "  - {key: d, type: backlog, item: target_id, states: {\"x*\": open, y: null}}\n";

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t limit)
{
    return (size_t)(next_random(state) % limit);
}

/* Parses from memory that ends with the text, so that sanitizers see reads behind it. */
static bool survives(const char *text, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct config *config = NULL;
    struct error err = {{0}};
    const int status = config_parse(exact, len, "t.yaml", &config, &err);
    free(exact);
    if (status == STATUS_OK) {
        assert_non_null(config);
        config_destroy(&config);
        return true;
    }
    assert_int_equal(status, STATUS_INVALID);
    assert_null(config);
    assert_memory_equal(err.text, "t.yaml:", 7);
    assert_null(strchr(err.text, '\n'));
    return false;
}

static void test_every_truncation(void **state)
{
    (void)state;
    assert_true(survives(whole, strlen(whole)));
    for (size_t len = 0; len < strlen(whole); len++) {
        survives(whole, len);
    }
}

/* Every byte of the file becomes, in turn, each character that means something in YAML. */
static void test_every_replacement(void **state)
{
    (void)state;
    static const char specials[] = "{}[],:\"'*&!|>%@`#?-\n\t \\\xc3";
    char text[sizeof whole];
    memcpy(text, whole, sizeof whole);
    for (size_t i = 0; i < strlen(whole); i += 3) {
        for (size_t s = 0; s < sizeof specials; s++) {
            text[i] = specials[s]; /* the NUL at the end as well */
            survives(text, strlen(whole));
        }
        text[i] = whole[i];
    }
}

static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ": ",
                                     ", ",
                                     "- ",
                                     "\n",
                                     "\n  ",
                                     "\"",
                                     "'",
                                     "*",
                                     "&a ",
                                     "*a",
                                     "!x ",
                                     "null",
                                     "~",
                                     "true",
                                     "-1",
                                     "1e309",
                                     "0x1",
                                     "9999999999999999999",
                                     "|\n",
                                     "---\n",
                                     "...\n",
                                     "? ",
                                     "#",
                                     "\t",
                                     "%YAML 1.2\n",
                                     "\xff",
                                     "\xef\xbb\xbf",
                                     "\\",
                                     "<<: "};

static void mutate(uint64_t *random, struct buf *text)
{
    const size_t at = below(random, text->len + 1);
    const size_t left = text->len - at;
    size_t len = below(random, 40);
    len = len < left ? len : left;
    char piece[64];
    switch (below(random, 4)) {
    case 0: /* remove some */
        memmove(text->data + at, text->data + at + len, left - len);
        text->len -= len;
        break;
    case 1: /* change one */
        if (left > 0) {
            text->data[at] = (char)next_random(random);
        }
        break;
    default: /* insert something that means something, or a copy of another part */
        if (below(random, 3) == 0) {
            const size_t from = below(random, text->len - len + 1);
            memcpy(piece, text->data + from, len);
        } else {
            const char *chosen = pieces[below(random, sizeof pieces / sizeof pieces[0])];
            len = strlen(chosen);
            memcpy(piece, chosen, len);
        }
        buf_reserve(text, len);
        memmove(text->data + at + len, text->data + at, left);
        memcpy(text->data + at, piece, len);
        text->len += len;
        break;
    }
}

static void test_random_mutations(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)SEED);
    uint64_t random = SEED;
    struct buf text = {0};
    int accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        buf_clear(&text);
        buf_append_text(&text, whole);
        for (size_t i = below(&random, 4); i < 4; i++) {
            mutate(&random, &text);
        }
        accepted += survives(text.data, text.len);
    }
    buf_free(&text);
    /* If all were refused at the first step, the test would test nothing. */
    assert_true(accepted > ROUNDS / 100);
    assert_true(accepted < ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_replacement),
        cmocka_unit_test(test_random_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
