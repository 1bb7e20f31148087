/* SPDX-License-Identifier: Apache-2.0 */
/* The section `alerts`: what it means, and what is refused. */
#include "tests/common/config/config_unit.h"

#define TILES                                                                                      \
    "tiles: [{key: a, type: count, critical: \"> 1\"}, {key: plain, type: count},\n"               \
    "        {key: f, type: count, group_by: actor_id, warn: \"> 1\"}]\n"
#define HOOK "webhook: \"https://x.example.org/y\""

static void test_an_entry_has_its_defaults(void **state)
{
    (void)state;
    struct config *config = parse_ok(TILES "alerts:\n  - {name: r, " HOOK "}\n"
                                           "  - {name: m, " HOOK ", format: alertmanager}\n");
    assert_int_equal(config->alert_count, 2);
    const struct config_alert *alert = &config->alerts[0];
    assert_string_equal(alert->name, "r");
    assert_null(alert->tiles);
    assert_int_equal(alert->status, TILE_CRITICAL);
    assert_int_equal(alert->for_ms, 0);
    assert_int_equal(alert->wait_ms, 1000);
    assert_int_equal(alert->repeat_ms, 0);
    assert_true(alert->resolved);
    assert_int_equal(alert->heartbeat_ms, 0);
    assert_string_equal(alert->webhook, "https://x.example.org/y");
    assert_int_equal(alert->format, CONFIG_ALERT_JSON);
    assert_int_equal(alert->timeout_ms, 10000);
    assert_int_equal(config->alerts[1].repeat_ms, 60000);
    config_destroy(&config);
}

static void test_all_keys(void **state)
{
    (void)state;
    struct config *config = parse_ok(
        TILES "alerts:\n"
              "  - {name: r, tiles: [\"f/eu*\", a], status: warn, for: 2m, wait: 5s, repeat: 4h, "
              "resolved: "
              "false, webhook_file: url, token_file: t, ca_file: /c, labels: {team: ops}, timeout: "
              "1s}\n"
              "  - {name: c, command: [/bin/true, -x]}\n"
              "  - {name: m, mail_to: [a@b.c], mail_from: t@b.c, mail_relay: \"smtp://r:2525\"}\n"
              "  - {name: h, " HOOK ", heartbeat: 30s}\n"
              "  - {name: p, " HOOK ", format: pagerduty, routing_key_file: k}\n");
    const struct config_alert *alert = &config->alerts[0];
    assert_int_equal(alert->tile_count, 2);
    assert_true(str_is(alert->tiles[0], "f/eu*"));
    assert_int_equal(alert->status, TILE_WARN);
    assert_int_equal(alert->repeat_ms, 4 * 3600 * 1000);
    assert_false(alert->resolved);
    assert_string_equal(alert->webhook_file, "/etc/tilewire/url");
    assert_string_equal(alert->labels[0].value, "ops");
    assert_string_equal(config->alerts[1].command[1], "-x");
    assert_string_equal(config->alerts[2].mail_relay, "smtp://r:2525");
    assert_int_equal(config->alerts[3].heartbeat_ms, 30000);
    assert_string_equal(config->alerts[4].routing_key_file, "/etc/tilewire/k");
    config_destroy(&config);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILES "alerts:\n  - {" HOOK "}\n", "4:5: alerts: each needs a name: write name: on-call"},
        {TILES "alerts:\n  - {name: a b, " HOOK "}\n",
         "4:12: alert \"a b\": name: expected a name of at most 64 letters, digits, - and _, but "
         "found \"a b\""},
        {TILES "alerts:\n  - {name: r, " HOOK "}\n  - {name: r, " HOOK "}\n",
         "5:12: alert \"r\": the name \"r\" is taken already"},
        {TILES "alerts:\n  - {name: r}\n",
         "4:5: alert \"r\": it needs one place to tell: webhook, webhook_file, command or mail_to"},
        {TILES "alerts:\n  - {name: r, " HOOK ", command: [/x]}\n",
         "4:5: alert \"r\": it needs one place to tell: webhook, webhook_file, command or mail_to; "
         "write an entry for each"},
        {TILES "alerts:\n  - {name: r, command: [page]}\n",
         "4:25: alert \"r\": command: expected the whole path of a program, which begins with a "
         "slash, but found \"page\""},
        {TILES "alerts:\n  - {name: r, webhook: \"ftp://x\"}\n",
         "4:24: alert \"r\": webhook: expected an address that begins with https:// or http://, "
         "but "
         "found \"ftp://x\""},
        {TILES "alerts:\n  - {name: r, mail_to: [nobody]}\n",
         "4:25: alert \"r\": mail_to: expected a mail address, such as ops@example.org, but found "
         "\"nobody\""},
        {TILES "alerts:\n  - {name: r, command: [/x], format: slack}\n",
         "4:30: alert \"r\": format: this is for a webhook; leave it out"},
        {TILES "alerts:\n  - {name: r, " HOOK ", mail_from: a@b}\n",
         "4:51: alert \"r\": mail_from: this is for mails; leave it out, or write mail_to"},
        {TILES "alerts:\n  - {name: r, " HOOK ", format: pagerduty}\n",
         "4:5: alert \"r\": format: pagerduty and routing_key_file go together"},
        {TILES "alerts:\n  - {name: r, " HOOK ", labels: {tile: x}}\n",
         "4:60: alert \"r\": labels: expected a label's name of letters, digits and _, which "
         "begins "
         "with no digit, and is none of alertname, alert, tile, severity and data"},
        {TILES "alerts:\n  - {name: r, " HOOK ", heartbeat: 1m, status: warn}\n",
         "4:66: alert \"r\": status: an entry with a heartbeat is about no tile; write another "
         "entry"},
        {TILES "alerts:\n  - {name: r, " HOOK ", repeat: 9s}\n",
         "4:59: alert \"r\": repeat: expected at least 10s, or 0 for never"},
        {TILES "alerts:\n  - {name: r, tiles: [plain], " HOOK "}\n",
         "4:5: alert \"r\": no tile that matches plain has `warn` or `critical`, so it would never "
         "be told; see docs/tiles.md, Status"},
        {TILES "alerts:\n  - {name: r, webhook: \"http://x/\", token_file: t}\n",
         "4:5: alert \"r\": the token could be read on its way to http://x/: use https://, or say "
         "insecure: true"},
        {"alerts:\n  - {name: r, " HOOK "}\n",
         "2:5: alert \"r\": no tile that matches * has `warn` or `critical`, so it would never be "
         "told; see docs/tiles.md, Status"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_has_its_defaults),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
