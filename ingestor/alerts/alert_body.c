/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_body.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"

#define ENDS_AFTER_REPEATS                                                                         \
    INT64_C(4) /* of Alertmanager: an alert that was not repeated so often is over                 \
                */
#define ENDS_AFTER_MS INT64_C(300000)

/* ---- Members of JSON ---- */

static void put_name(struct buf *out, const char *name)
{
    if (out->len != 0 && strchr("{[", out->data[out->len - 1]) == NULL) {
        buf_append_char(out, ',');
    }
    json_write_string(out, str_of(name));
    buf_append_char(out, ':');
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    json_write_string(out, str_of(text));
}

static void put_time(struct buf *out, const char *name, int64_t us)
{
    char time[WALL_TEXT_SIZE];
    put_text(out, name, wall_format((wall_time){us}, time));
}

static void put_sentence(struct buf *out, const char *name, const struct alert_line *line)
{
    struct buf text = {0};
    alert_body_put_sentence(&text, line);
    put_text(out, name, buf_cstr(&text));
    buf_free(&text);
}

void alert_body_put_sentence(struct buf *out, const struct alert_line *line)
{
    char time[WALL_TEXT_SIZE];
    buf_printf(out, "%s %s %s", line->title, line->over ? "is no longer" : "is",
               tile_level_name(line->level));
    if (line->value.p != NULL) {
        buf_append_text(out, ": ");
        buf_append_str(out, line->value);
    }
    buf_printf(out, " (%s, %s %s)", line->key, line->over ? "it was since" : "since",
               wall_format((wall_time){line->since_us}, time));
}

static void put_labels(struct buf *out, const struct config_alert *rule)
{
    for (size_t i = 0; i < rule->label_count; i++) {
        put_text(out, rule->labels[i].name, rule->labels[i].value);
    }
}

/* ---- JSON ---- */

static void put_json_line(struct buf *out, const struct alert_line *line)
{
    buf_append_text(out, "{");
    put_text(out, "key", line->key);
    put_text(out, "title", line->title);
    put_text(out, "state", line->over ? "resolved" : "firing");
    put_text(out, "status", tile_level_name(line->level));
    put_time(out, "since", line->since_us);
    if (line->ended_us != 0) {
        put_time(out, "ended", line->ended_us);
    }
    put_name(out, "told_before");
    buf_append_text(out, line->again ? "true" : "false");
    put_sentence(out, "text", line);
    if (line->data.p != NULL) {
        put_name(out, "data");
        buf_append_str(out, line->data);
    }
    if (line->link != NULL) {
        put_text(out, "link", line->link);
    }
    buf_append_char(out, '}');
}

static void put_json(struct buf *out, const struct alert_message *message)
{
    buf_append_char(out, '{');
    put_text(out, "alert", message->rule->name);
    put_text(out, "kind", message->count == 0 ? "heartbeat" : "alerts");
    put_time(out, "at", message->now.us);
    put_name(out, "labels");
    buf_append_char(out, '{');
    put_labels(out, message->rule);
    buf_append_char(out, '}');
    put_name(out, "alerts");
    buf_append_char(out, '[');
    for (size_t i = 0; i < message->count; i++) {
        buf_append_text(out, i != 0 ? "," : "");
        put_json_line(out, &message->lines[i]);
    }
    buf_append_text(out, "]}");
}

/* ---- Alertmanager ---- */

/* When Alertmanager is to take it for over, if it does not hear of it again. */
static int64_t ends_us(const struct alert_message *message, int64_t every_ms)
{
    const int64_t ms = every_ms != 0 ? ENDS_AFTER_REPEATS * every_ms : 0;
    return message->now.us + (ms > ENDS_AFTER_MS ? ms : ENDS_AFTER_MS) * US_PER_MS;
}

/* An alert is known by its labels, of which the severity is one. */
static void put_alertmanager_one(struct buf *out, const struct alert_message *message,
                                 const struct alert_line *line, enum tile_level level,
                                 int64_t ended_us)
{
    const struct config_alert *rule = message->rule;
    buf_append_text(out, out->data[out->len - 1] == '[' ? "{" : ",{");
    put_name(out, "labels");
    buf_append_char(out, '{');
    put_text(out, "alertname", "TilewireTile");
    put_text(out, "alert", rule->name);
    put_text(out, "tile", line->key);
    put_text(out, "severity", level == TILE_CRITICAL ? "critical" : "warning");
    put_labels(out, rule);
    buf_append_char(out, '}');
    put_name(out, "annotations");
    buf_append_char(out, '{');
    put_text(out, "title", line->title);
    put_sentence(out, "summary", line);
    buf_append_char(out, '}');
    put_time(out, "startsAt", line->since_us);
    put_time(out, "endsAt", ended_us);
    if (line->link != NULL && strncmp(line->link, "http", 4) == 0) {
        put_text(out, "generatorURL", line->link);
    }
    buf_append_char(out, '}');
}

static void put_alertmanager(struct buf *out, const struct alert_message *message)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < message->count; i++) {
        const struct alert_line *line = &message->lines[i];
        if (line->again && line->before != line->level) {
            put_alertmanager_one(out, message, line, line->before, message->now.us);
        }
        put_alertmanager_one(out, message, line, line->level,
                             line->over ? line->ended_us
                                        : ends_us(message, message->rule->repeat_ms));
    }
    if (message->count == 0) {
        buf_append_text(out, "{\"labels\":{\"alertname\":\"TilewireHeartbeat\"");
        put_text(out, "alert", message->rule->name);
        put_labels(out, message->rule);
        buf_append_text(out, "},\"annotations\":{\"summary\":\"Tilewire publishes tiles\"}");
        put_time(out, "endsAt", ends_us(message, message->rule->heartbeat_ms));
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

/* ---- Slack ---- */

/* What Slack takes for the beginning of a link or an entity. */
static void put_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.p[i]) {
        case '&':
            buf_append_text(out, "&amp;");
            break;
        case '<':
            buf_append_text(out, "&lt;");
            break;
        case '>':
            buf_append_text(out, "&gt;");
            break;
        default:
            buf_append_char(out, text.p[i]);
        }
    }
}

static void put_slack(struct buf *out, const struct alert_message *message)
{
    struct buf text = {0};
    struct buf sentence = {0};
    buf_append_text(&text, message->count == 0 ? "Tilewire publishes tiles" : "");
    for (size_t i = 0; i < message->count; i++) {
        const struct alert_line *line = &message->lines[i];
        buf_clear(&sentence);
        alert_body_put_sentence(&sentence, line);
        buf_append_text(&text, i != 0 ? "\n" : "");
        buf_append_text(&text, line->over                     ? ":white_check_mark: "
                               : line->level == TILE_CRITICAL ? ":red_circle: "
                                                              : ":warning: ");
        put_escaped(&text, buf_str(&sentence));
        if (line->link != NULL && strncmp(line->link, "http", 4) == 0) {
            buf_append_text(&text, " <");
            put_escaped(&text, str_of(line->link));
            buf_append_text(&text, "|open>");
        }
    }
    buf_append_char(out, '{');
    put_text(out, "text", buf_cstr(&text));
    buf_append_char(out, '}');
    buf_free(&text);
    buf_free(&sentence);
}

/* ---- PagerDuty ---- */

static void put_pagerduty(struct buf *out, const struct alert_message *message)
{
    const struct alert_line *line = &message->lines[0];
    char *name = x_asprintf("tilewire/%s/%s", message->rule->name, line->key);
    buf_append_char(out, '{');
    put_text(out, "routing_key", message->routing_key);
    put_text(out, "event_action", line->over ? "resolve" : "trigger");
    put_text(out, "dedup_key", name);
    put_name(out, "payload");
    buf_append_char(out, '{');
    put_sentence(out, "summary", line);
    put_text(out, "source", line->key);
    put_text(out, "severity", line->level == TILE_CRITICAL ? "critical" : "warning");
    put_time(out, "timestamp", line->since_us);
    put_name(out, "custom_details");
    buf_append_char(out, '{');
    put_labels(out, message->rule);
    if (line->data.p != NULL) {
        put_name(out, "data");
        buf_append_str(out, line->data);
    }
    buf_append_text(out, "}}}");
    free(name);
}

void alert_body_put(struct buf *out, const struct alert_message *message)
{
    switch (message->rule->format) {
    case CONFIG_ALERT_JSON:
        put_json(out, message);
        break;
    case CONFIG_ALERT_ALERTMANAGER:
        put_alertmanager(out, message);
        break;
    case CONFIG_ALERT_SLACK:
        put_slack(out, message);
        break;
    case CONFIG_ALERT_PAGERDUTY:
        put_pagerduty(out, message);
        break;
    }
}

/* ---- Mail ---- */

#define WORD_BYTES 42 /* of a text in one encoded word, which has at most 75 characters */

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < ' ' || (unsigned char)text.p[i] > '~') {
            return false;
        }
    }
    return true;
}

/* A header's text, in encoded words (RFC 2047) when it has to be; these are cut between two
 * characters. */
static void put_header_text(struct buf *out, struct str text)
{
    if (is_ascii(text) && text.len <= 200) {
        buf_append_str(out, text);
        return;
    }
    for (size_t at = 0; at < text.len;) {
        size_t len = text.len - at < WORD_BYTES ? text.len - at : WORD_BYTES;
        while (at + len < text.len && len > 1 && (text.p[at + len] & 0xC0) == 0x80) {
            len--;
        }
        char base64[WORD_BYTES * 2];
        sodium_bin2base64(base64, sizeof base64, (const unsigned char *)text.p + at, len,
                          sodium_base64_VARIANT_ORIGINAL);
        buf_printf(out, "%s=?UTF-8?B?%s?=", at != 0 ? "\r\n " : "", base64);
        at += len;
    }
}

static void put_subject(struct buf *out, const struct alert_message *message)
{
    struct buf text = {0};
    if (message->count == 0) {
        buf_append_text(&text, "Tilewire publishes tiles");
    } else if (message->count == 1) {
        const struct alert_line *line = &message->lines[0];
        buf_printf(&text, "[%s] %s", line->over ? "resolved" : tile_level_name(line->level),
                   line->title);
    } else {
        buf_printf(&text, "[Tilewire] %zu tiles, %s", message->count, message->rule->name);
    }
    buf_append_text(out, "Subject: ");
    put_header_text(out, buf_str(&text));
    buf_append_text(out, "\r\n");
    buf_free(&text);
}

/* The text of a mail, in lines of base64, so that no line of it is too long, or looks like the end.
 */
static void put_mail_text(struct buf *out, struct str text)
{
    for (size_t at = 0; at < text.len; at += 54) {
        char base64[80];
        const size_t len = text.len - at < 54 ? text.len - at : 54;
        sodium_bin2base64(base64, sizeof base64, (const unsigned char *)text.p + at, len,
                          sodium_base64_VARIANT_ORIGINAL);
        buf_printf(out, "%s\r\n", base64);
    }
}

void alert_body_put_mail(struct buf *out, const struct alert_message *message)
{
    const struct config_alert *rule = message->rule;
    const time_t now = (time_t)(message->now.us / US_PER_S);
    struct buf text = {0};
    struct tm parts;
    char date[64];
    unsigned char name[16];
    char name_text[2 * sizeof name + 1];
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &parts));
    randombytes_buf(name, sizeof name);
    sodium_bin2hex(name_text, sizeof name_text, name, sizeof name);
    buf_printf(out, "From: Tilewire <%s>\r\nTo: ", rule->mail_from);
    for (size_t i = 0; i < rule->mail_to_count; i++) {
        buf_printf(out, "%s%s", i != 0 ? ",\r\n " : "", rule->mail_to[i]);
    }
    buf_printf(out, "\r\nDate: %s\r\nMessage-ID: <%s@tilewire>\r\n", date, name_text);
    put_subject(out, message);
    buf_append_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: "
                         "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < message->count; i++) {
        const struct alert_line *line = &message->lines[i];
        alert_body_put_sentence(&text, line);
        buf_append_text(&text, "\r\n");
        if (line->link != NULL) {
            buf_printf(&text, "    %s\r\n", line->link);
        }
    }
    put_mail_text(out, buf_str(&text));
    buf_free(&text);
}
