/* SPDX-License-Identifier: Apache-2.0 */
/* The `alerts` section: whom to tell when a tile is in trouble. */
#include <stdio.h>
#include <string.h>

#include "common/base/match/pattern.h"
#include "common/config/sections/section.h"

#define LABEL_NAME_MAX 64   /* bytes of a label's name */
#define LABEL_VALUE_MAX 256 /* bytes of its value */
#define REPEAT_MIN_MS (10 * MS_PER_SECOND)
#define URL_MAX 2048  /* bytes of a webhook's address */
#define WORD_MAX 4095 /* bytes of a word of a command, and of an address */

static const char *const formats[] = {"json", "alertmanager", "slack", "pagerduty", NULL};
static const char *const levels[] = {"warn", "critical", NULL};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool only(struct str text, const char *characters, size_t longest)
{
    return text.len > 0 && text.len <= longest && strspn(text.p, characters) == text.len;
}

static int read_name(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    if (value->kind != YAML_SCALAR ||
        !only(value->text, LETTERS DIGITS "-_", CONFIG_ALERT_NAME_MAX)) {
        return config_expected(r, value, key->name,
                               "a name of at most 64 letters, digits, - and _");
    }
    alert->name = config_copy(r, value->text);
    return STATUS_OK;
}

static int read_tiles(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    alert->tiles = arena_array(r->memory, value->count, sizeof *alert->tiles);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR || !pattern_names_key(node->text)) {
            return config_expected(r, node, key->name,
                                   "the key of a tile, in which * stands for any characters");
        }
        alert->tiles[alert->tile_count++] = str_of(config_copy(r, node->text));
    }
    return STATUS_OK;
}

/* Reads a list of texts without control characters. */
static int read_words(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, const char *expected, const char ***words,
                      size_t *count)
{
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    *words = arena_array(r->memory, value->count + 1, sizeof **words);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        bool fine = node->kind == YAML_SCALAR && node->text.len > 0 && node->text.len <= WORD_MAX;
        for (size_t i = 0; fine && i < node->text.len; i++) {
            fine = (unsigned char)node->text.p[i] >= ' ';
        }
        if (!fine) {
            return config_expected(r, node, key->name, expected);
        }
        (*words)[(*count)++] = config_copy(r, node->text);
    }
    return STATUS_OK;
}

static int read_command(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    const int status = read_words(r, key, value,
                                  "a program's path and its arguments, such as "
                                  "[/usr/local/bin/page, ops]",
                                  &alert->command, &alert->command_count);
    if (status == STATUS_OK && alert->command[0][0] != '/') {
        return config_expected(r, value->first, key->name,
                               "the whole path of a program, which begins with a slash");
    }
    return status;
}

static int read_mail_to(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    const int status = read_words(r, key, value, "a mail address, such as ops@example.org",
                                  &alert->mail_to, &alert->mail_to_count);
    const struct yaml_node *node = value->first;
    for (size_t i = 0; status == STATUS_OK && node != NULL; i++, node = node->next) {
        if (strchr(alert->mail_to[i], '@') == NULL ||
            strpbrk(alert->mail_to[i], " <>,\"") != NULL) {
            return config_expected(r, node, key->name, "a mail address, such as ops@example.org");
        }
    }
    return status;
}

static int read_url(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    const bool mail = strcmp(key->name, "mail_relay") == 0;
    const char *const expected = mail ? "a relay's address, such as smtp://localhost:25"
                                      : "an address that begins with https:// or http://";
    struct str text;
    const int status = config_scalar(r, value, key->name, expected, &text);
    if (status != STATUS_OK) {
        return status;
    }
    const bool known =
        mail ? strncmp(text.p, "smtp://", 7) == 0
             : strncmp(text.p, "https://", 8) == 0 || strncmp(text.p, "http://", 7) == 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!known || text.len > URL_MAX || (unsigned char)text.p[i] <= ' ') {
            return config_expected(r, value, key->name, expected);
        }
    }
    if (!known || strchr(text.p, '@') != NULL) {
        return config_expected(r, value, key->name,
                               known ? "an address without a name and a password in it: a bearer "
                                       "token goes into token_file, and an address that is a "
                                       "secret into webhook_file"
                                     : expected);
    }
    const char **member = config_member(alert, key);
    *member = config_copy(r, text);
    return STATUS_OK;
}

/* Names that each alert has anyway. */
static bool is_own_label(struct str name)
{
    return str_is(name, "alertname") || str_is(name, "alert") || str_is(name, "tile") ||
           str_is(name, "severity") || str_is(name, "data");
}

static int read_labels(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config_alert *alert = target;
    if (value->kind != YAML_MAP || value->count > CONFIG_ALERT_LABELS_MAX) {
        return config_expected(r, value, key->name,
                               "a map of at most 16 labels, such as {team: support}");
    }
    alert->labels = arena_array(r->memory, value->count, sizeof *alert->labels);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        const struct str name = node->key->text;
        if (!only(name, LETTERS DIGITS "_", LABEL_NAME_MAX) || strchr(DIGITS, name.p[0]) != NULL ||
            is_own_label(name)) {
            return config_fail(r, node->key, key->name,
                               "expected a label's name of letters, digits and _, which begins "
                               "with no digit, and is none of alertname, alert, tile, severity "
                               "and data");
        }
        if (node->kind != YAML_SCALAR || node->text.len == 0 || node->text.len > LABEL_VALUE_MAX) {
            return config_expected(r, node, key->name, "a label's value of 1 to 256 bytes");
        }
        alert->labels[alert->label_count++] =
            (struct config_alert_label){config_copy(r, name), config_copy(r, node->text)};
    }
    return STATUS_OK;
}

#define ALERT struct config_alert

static const struct config_key rows[] = {
    {CONFIG_CUSTOM("name", read_name), .needed = "name: on-call",
     .range = "at most 64 letters, digits, - and _, unique",
     .help = "What the entry is called in messages, logs and the state."},
    {CONFIG_LIST("tiles", read_tiles, CONFIG_ALERT_PATTERNS_MAX), .default_words = "all tiles",
     .help = "The keys of the tiles and members that it is about; `*` stands for any characters."},
    {CONFIG_CHOICE("status", ALERT, status), .choices = levels, .default_value = "critical",
     .help = "The least status that is told."},
    {CONFIG_DURATION("for", ALERT, for_ms, 0, 7 * MS_PER_DAY), .default_value = "0",
     .help = "How long a tile has to have it before it is told, beyond the tile's own `for`."},
    {CONFIG_DURATION("wait", ALERT, wait_ms, 0, MS_PER_HOUR), .default_value = "1s",
     .help = "How long a message waits for others, which then go with it."},
    {CONFIG_DURATION("repeat", ALERT, repeat_ms, 0, 30 * MS_PER_DAY),
     .default_words = "`1m` for Alertmanager, which forgets what is not repeated; else `0`",
     .range = "at least 10s unless `0`, which is never",
     .help = "How often it is told again while it lasts."},
    {CONFIG_BOOL("resolved", ALERT, resolved), .default_value = "true",
     .help = "Whether it is told, too, when it is over."},
    {CONFIG_DURATION("heartbeat", ALERT, heartbeat_ms, MS_PER_SECOND, MS_PER_DAY),
     .help = "Makes the entry a dead man's switch: its place is called so often while tiles are "
             "published, and not when they are not."},
    {CONFIG_MEMBER("webhook", read_url, ALERT, webhook),
     .help = "The address that messages are posted to."},
    {CONFIG_PATH("webhook_file", ALERT, webhook_file),
     .help = "A file whose first line is that address, where who knows it may post."},
    {CONFIG_CHOICE("format", ALERT, format), .choices = formats, .default_value = "json",
     .help = "What the webhook understands."},
    {CONFIG_PATH("token_file", ALERT, token_file),
     .help = "A file whose first line is a bearer token for the webhook."},
    {CONFIG_PATH("routing_key_file", ALERT, routing_key_file),
     .help = "A file whose first line is the integration key of `format: pagerduty`."},
    {CONFIG_PATH("ca_file", ALERT, ca_file), .default_words = "those of the system",
     .help = "A file with the certificates of who may have signed the webhook's."},
    {CONFIG_CUSTOM("labels", read_labels), .range = "at most 16",
     .help = "Labels that each alert gets, such as `{team: support}`."},
    {CONFIG_LIST("command", read_command, CONFIG_ALERT_WORDS_MAX),
     .help = "A program and its arguments; it gets the message in JSON on its standard input."},
    {CONFIG_LIST("mail_to", read_mail_to, CONFIG_ALERT_WORDS_MAX),
     .help = "The addresses that a mail goes to."},
    {CONFIG_TEXT("mail_from", ALERT, mail_from, 320), .default_value = "tilewire@localhost",
     .help = "The address that it is from."},
    {CONFIG_MEMBER("mail_relay", read_url, ALERT, mail_relay),
     .default_value = "smtp://localhost:25",
     .help = "The relay that takes it, which asks for no password."},
    {CONFIG_DURATION("timeout", ALERT, timeout_ms, 100, 5 * MS_PER_MINUTE), .default_value = "10s",
     .help = "How long a message may take to be handed over."},
};
const struct config_table config_alert_table = CONFIG_TABLE(rows);

static bool is_given(const struct yaml_node *value, const char *key)
{
    return yaml_get(value, key) != NULL;
}

/* Each entry has one place, and the keys that go with it. */
static int check_place(struct config_reader *r, const struct yaml_node *value,
                       const struct config_alert *alert)
{
    static const char *const places[] = {"webhook", "webhook_file", "command", "mail_to"};
    static const char *const of_webhooks[] = {"format", "token_file", "routing_key_file",
                                              "ca_file"};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        count += is_given(value, places[i]);
    }
    if (count != 1) {
        return config_fail(r, value, NULL,
                           "it needs one place to tell: webhook, webhook_file, command or "
                           "mail_to%s",
                           count == 0 ? "" : "; write an entry for each");
    }
    const bool webhook = alert->webhook != NULL || alert->webhook_file != NULL;
    for (size_t i = 0; i < COUNT_OF(of_webhooks) && !webhook; i++) {
        if (is_given(value, of_webhooks[i])) {
            return config_fail(r, yaml_get(value, of_webhooks[i])->key, of_webhooks[i],
                               "this is for a webhook; leave it out");
        }
    }
    for (size_t i = 0; i < 2 && alert->mail_to == NULL; i++) {
        const char *key = i == 0 ? "mail_from" : "mail_relay";
        if (is_given(value, key)) {
            return config_fail(r, yaml_get(value, key)->key, key,
                               "this is for mails; leave it out, or write mail_to");
        }
    }
    if ((alert->routing_key_file != NULL) != (alert->format == CONFIG_ALERT_PAGERDUTY)) {
        return config_fail(r, value, NULL, "format: pagerduty and routing_key_file go together");
    }
    return STATUS_OK;
}

static int check_heartbeat(struct config_reader *r, const struct yaml_node *value,
                           const struct config_alert *alert)
{
    if (alert->format == CONFIG_ALERT_PAGERDUTY) {
        return config_fail(r, yaml_get(value, "heartbeat")->key, "heartbeat",
                           "PagerDuty takes no heartbeats by its integration key; call the webhook "
                           "of a service that alarms when calls stop, or of Alertmanager");
    }
    static const char *const of_tiles[] = {"tiles", "status", "for", "wait", "repeat", "resolved"};
    for (size_t i = 0; i < COUNT_OF(of_tiles); i++) {
        if (is_given(value, of_tiles[i])) {
            return config_fail(r, yaml_get(value, of_tiles[i])->key, of_tiles[i],
                               "an entry with a heartbeat is about no tile; write another entry");
        }
    }
    return STATUS_OK;
}

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      struct config_alert *alert, const struct config_alert *others)
{
    int status = config_read_map(r, value, &config_alert_table, alert);
    if (status == STATUS_OK && alert->name == NULL) {
        status = config_fail(r, value, NULL, "each needs a name: write name: on-call");
    }
    for (const struct config_alert *other = others; alert->name != NULL && other < alert; other++) {
        if (strcmp(other->name, alert->name) == 0) {
            return config_fail(r, yaml_get(value, "name"), NULL, "the name \"%s\" is taken already",
                               alert->name);
        }
    }
    if (status == STATUS_OK) {
        status = check_place(r, value, alert);
    }
    if (status == STATUS_OK && alert->heartbeat_ms != 0) {
        status = check_heartbeat(r, value, alert);
    }
    if (status == STATUS_OK && alert->repeat_ms != 0 && alert->repeat_ms < REPEAT_MIN_MS) {
        status = config_fail(r, yaml_get(value, "repeat"), "repeat",
                             "expected at least 10s, or 0 for never");
    }
    if (status == STATUS_OK && alert->format == CONFIG_ALERT_ALERTMANAGER &&
        !is_given(value, "repeat")) {
        alert->repeat_ms = MS_PER_MINUTE;
    }
    return status;
}

int config_read_alerts(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct config *config = target;
    const char *context = r->context;
    int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    config->alerts = arena_array(r->memory, value->count, sizeof *config->alerts);
    for (const struct yaml_node *node = value->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        struct config_alert *alert = &config->alerts[config->alert_count];
        const struct yaml_node *name = yaml_get(node, "name");
        r->context = name != NULL && name->kind == YAML_SCALAR
                         ? arena_printf(r->memory, "alert \"%s\": ", name->text.p)
                         : "alerts: ";
        config_apply_defaults(r, &config_alert_table, alert);
        status = read_entry(r, node, alert, config->alerts);
        config->alert_count += status == STATUS_OK;
    }
    r->context = context;
    return status;
}

/* ---- When the tiles are known ---- */

/* True when the pattern is about the tile, or perhaps about members of the family. */
static bool is_about(struct str pattern, const struct tile_config *tile)
{
    const struct str key = str_of(tile->key);
    if (str_glob(pattern, key)) {
        return true;
    }
    char members[TILE_KEY_MAX + 3];
    const int len = snprintf(members, sizeof members, "%s/*", tile->key);
    return tile->group_by.kind != TILE_FIELD_NONE &&
           pattern_meets(pattern, (struct str){members, (size_t)len});
}

static bool has_tile(const struct config *config, struct str pattern)
{
    for (size_t i = 0; i < config->tile_count; i++) {
        if (config->tiles[i].thresholds.any && is_about(pattern, &config->tiles[i])) {
            return true;
        }
    }
    return false;
}

/* True when what is posted there can be read on its way. */
static bool is_open(const char *url)
{
    return url != NULL && strncmp(url, "http://", 7) == 0 &&
           strncmp(url + 7, "localhost", 9) != 0 && strncmp(url + 7, "127.", 4) != 0 &&
           strncmp(url + 7, "[::1]", 5) != 0;
}

int config_check_alerts(struct config_reader *r, const struct yaml_node *root)
{
    const struct config *config = r->config;
    const struct yaml_node *list = yaml_get(root, "alerts");
    const struct yaml_node *node = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->alert_count && node != NULL; i++, node = node->next) {
        const struct config_alert *alert = &config->alerts[i];
        const struct str all = STR("*");
        const struct str *patterns = alert->tiles != NULL ? alert->tiles : &all;
        const size_t count = alert->tiles != NULL ? alert->tile_count : 1;
        if (alert->token_file != NULL && is_open(alert->webhook) && !config->insecure) {
            return config_fail(r, node, NULL,
                               "alert \"%s\": the token could be read on its way to %s: use "
                               "https://, or say insecure: true",
                               alert->name, alert->webhook);
        }
        for (size_t p = 0; p < count && alert->heartbeat_ms == 0; p++) {
            if (!has_tile(config, patterns[p])) {
                return config_fail(r, node, NULL,
                                   "alert \"%s\": no tile that matches %s has `warn` or "
                                   "`critical`, so it would never be told; see docs/tiles.md, "
                                   "Status",
                                   alert->name, patterns[p].p);
            }
        }
    }
    return STATUS_OK;
}
