/* SPDX-License-Identifier: Apache-2.0 */
/* What messages say, in the words of each receiver. */
#include "ingestor/alerts/alert_body.h"

#include "common/codec/json.h"
#include "tests/ingestor/alerts/alerts_unit.h"

#define HOOK "webhook: \"http://127.0.0.1:1/\""

static struct alert_line line_of(const char *title)
{
    return (struct alert_line){.key = "a",
                               .title = title,
                               .level = TILE_CRITICAL,
                               .since_us = DAY_US,
                               .data = STR("{\"value\":12}"),
                               .value = STR("12"),
                               .link = "https://ops.example.org/a"};
}

static char *body_of(const struct config *config, const struct alert_line *lines, size_t count)
{
    struct buf out = {0};
    const struct alert_message message = {.rule = &config->alerts[0],
                                          .lines = lines,
                                          .count = count,
                                          .now = at(60).wall,
                                          .routing_key = "KEY"};
    if (config->alerts[0].mail_to != NULL) {
        alert_body_put_mail(&out, &message);
    } else {
        struct json_value *parsed = NULL;
        alert_body_put(&out, &message);
        assert_int_equal(json_parse_strict(buf_str(&out), 1 << 20, &parsed), STATUS_OK);
        json_free(parsed);
    }
    (void)buf_cstr(&out);
    return buf_take(&out);
}

static void check(const char *keys, const struct alert_line *lines, size_t count,
                  const char *expected)
{
    char alerts[500];
    snprintf(alerts, sizeof alerts, "{name: r, %s}", keys);
    struct config *config = configure(alerts);
    char *body = body_of(config, lines, count);
    assert_string_equal(body, expected);
    free(body);
    config_destroy(&config);
}

static void test_our_own(void **state)
{
    (void)state;
    struct alert_line line = line_of("Too \"many\"");
    check(HOOK ", labels: {team: ops}", &line, 1,
          "{\"alert\":\"r\",\"kind\":\"alerts\",\"at\":\"2026-11-23T05:33:00.000Z\",\"labels\":{"
          "\"team\":\"ops\"},\"alerts\":[{\"key\":\"a\",\"title\":\"Too \\\"many\\\"\",\"state\":"
          "\"firing\",\"status\":\"critical\",\"since\":\"2026-11-23T05:32:00.000Z\",\"told_"
          "before\":false,\"text\":\"Too \\\"many\\\" is critical: 12 (a, since "
          "2026-11-23T05:32:00.000Z)\",\"data\":{\"value\":12},\"link\":\"https://ops.example.org/"
          "a\"}]}");
    check("command: [/bin/true]", NULL, 0,
          "{\"alert\":\"r\",\"kind\":\"heartbeat\",\"at\":\"2026-11-23T05:33:00.000Z\",\"labels\":{"
          "},\"alerts\":[]}");
}

static void test_alertmanager(void **state)
{
    (void)state;
    struct alert_line lines[2] = {line_of("A"), line_of("A")};
    lines[0].again = true;
    lines[0].before = TILE_WARN;
    lines[1].over = true;
    lines[1].ended_us = at(30).wall.us;
    lines[1].link = NULL;
    check(
        HOOK ", format: alertmanager, repeat: 2m, labels: {team: ops}", lines, 2,
        /* what it was before is over, since the severity is part of what it is known by */
        "[{\"labels\":{\"alertname\":\"TilewireTile\",\"alert\":\"r\",\"tile\":\"a\",\"severity\":"
        "\"warning\",\"team\":\"ops\"},\"annotations\":{\"title\":\"A\",\"summary\":\"A is "
        "critical: 12 (a, since 2026-11-23T05:32:00.000Z)\"},\"startsAt\":\"2026-11-23T05:32:00."
        "000Z\",\"endsAt\":\"2026-11-23T05:33:00.000Z\",\"generatorURL\":\"https://ops.example."
        "org/a\"},{\"labels\":{\"alertname\":\"TilewireTile\",\"alert\":\"r\",\"tile\":\"a\","
        "\"severity\":\"critical\",\"team\":\"ops\"},\"annotations\":{\"title\":\"A\",\"summary\":"
        "\"A is critical: 12 (a, since 2026-11-23T05:32:00.000Z)\"},\"startsAt\":\"2026-11-23T05:"
        "32:00.000Z\",\"endsAt\":\"2026-11-23T05:41:00.000Z\",\"generatorURL\":\"https://ops."
        "example.org/a\"},{\"labels\":{\"alertname\":\"TilewireTile\",\"alert\":\"r\",\"tile\":"
        "\"a\",\"severity\":\"critical\",\"team\":\"ops\"},\"annotations\":{\"title\":\"A\","
        "\"summary\":\"A is no longer critical: 12 (a, it was since 2026-11-23T05:32:00.000Z)\"},"
        "\"startsAt\":\"2026-11-23T05:32:00.000Z\",\"endsAt\":\"2026-11-23T05:32:30.000Z\"}]");
    check(HOOK ", format: alertmanager, heartbeat: 1m", NULL, 0,
          "[{\"labels\":{\"alertname\":\"TilewireHeartbeat\",\"alert\":\"r\"},\"annotations\":{"
          "\"summary\":\"Tilewire publishes tiles\"},\"endsAt\":\"2026-11-23T05:38:00.000Z\"}]");
}

static void test_slack(void **state)
{
    (void)state;
    struct alert_line lines[3] = {line_of("<!channel> & co"), line_of("B"), line_of("C")};
    lines[1].level = TILE_WARN;
    lines[1].link = "/relative";
    lines[2].over = true;
    lines[2].link = NULL;
    lines[2].value = STR_NULL;
    check(HOOK ", format: slack", lines, 3,
          "{\"text\":\":red_circle: &lt;!channel&gt; &amp; co is critical: 12 (a, since "
          "2026-11-23T05:32:00.000Z) <https://ops.example.org/a|open>\\n:warning: B is warn: 12 "
          "(a, since 2026-11-23T05:32:00.000Z)\\n:white_check_mark: C is no longer critical (a, it "
          "was since 2026-11-23T05:32:00.000Z)\"}");
}

static void test_pagerduty(void **state)
{
    (void)state;
    struct alert_line line = line_of("A");
    line.over = true;
    check(
        HOOK ", format: pagerduty, routing_key_file: key, labels: {team: ops}", &line, 1,
        "{\"routing_key\":\"KEY\",\"event_action\":\"resolve\",\"dedup_key\":\"tilewire/r/"
        "a\",\"payload\":{\"summary\":\"A is no longer critical: 12 (a, it was since "
        "2026-11-23T05:32:00.000Z)\",\"source\":\"a\",\"severity\":\"critical\",\"timestamp\":"
        "\"2026-11-23T05:32:00.000Z\",\"custom_details\":{\"team\":\"ops\",\"data\":{\"value\":12}}"
        "}}");
}

static void test_a_mail_is_ascii_in_short_lines(void **state)
{
    (void)state;
    struct alert_line lines[30];
    struct config *config = configure("{name: r, mail_to: [a@example.org, b@example.org]}");
    for (size_t i = 0; i < 30; i++) {
        lines[i] = line_of("Störung: ein Titel, der so lang ist, dass er in kein Wort passt 🔥🔥🔥");
    }
    for (size_t count = 1; count <= 30; count += 29) {
        char *mail = body_of(config, lines, count);
        size_t column = 0;
        for (const char *c = mail; *c != '\0'; c++) {
            assert_true(*c == '\r' || *c == '\n' || (*c >= ' ' && *c <= '~'));
            column = *c == '\n' ? 0 : column + 1;
            assert_true(column <= 78);
            assert_true(*c != '\n' || c[-1] == '\r');
        }
        assert_non_null(strstr(mail,
                               "To: a@example.org,\r\n b@example.org\r\nDate: Mon, 23 Nov 2026 "
                               "05:33:00 +0000\r\n"));
        assert_non_null(strstr(mail, count == 1 ? "Subject: =?UTF-8?B?"
                                                : "Subject: [Tilewire] 30 tiles, r\r\n"));
        free(mail);
    }
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_own),
        cmocka_unit_test(test_alertmanager),
        cmocka_unit_test(test_slack),
        cmocka_unit_test(test_pagerduty),
        cmocka_unit_test(test_a_mail_is_ascii_in_short_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
