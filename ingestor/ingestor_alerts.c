/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_alerts.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/match/pattern.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/program/log.h"
#include "common/program/metrics.h"
#include "common/replica/answer.h"
#include "common/replica/query_request.h"
#include "ingestor/alerts/alert_body.h"
#include "ingestor/alerts/alert_record.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_tiles.h"

#define KEY_SIZE 4097   /* of PagerDuty's key, with its NUL */
#define TITLE_SIZE 512  /* of a tile's title with a member's name behind it */
#define LISTED_MAX 1000 /* alerts that a query gets */
#define SILENCE_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

void ingestor_alerts_begin(struct ingestor *ingestor)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    mp_doc_init(&alerting->doc);
    alert_book_init(&alerting->book, ingestor->config, (uint64_t)clock_wall().us);
    alerting->sender = ingestor->config->alert_count != 0 ? alert_sender_create() : NULL;
}

void ingestor_alerts_finish(struct ingestor *ingestor)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    alert_sender_destroy(&alerting->sender);
    alert_book_free(&alerting->book);
    mp_doc_free(&alerting->doc);
}

int ingestor_alerts_go_on(struct ingestor *ingestor, const struct state_changes *saved,
                          wall_time now, int status, struct error *err)
{
    struct alert_book *book = &ingestor->alerting.book;
    struct error newer = {{0}};
    size_t damaged = 0;
    if (saved == NULL || status == STATUS_NEWER) {
        return status;
    }
    if (alert_record_load(book, saved, now, &damaged, &newer) == STATUS_NEWER) {
        *err = newer;
        return STATUS_NEWER;
    }
    if (damaged != 0) {
        log_warn("%zu records of alerts are damaged: what they told of is told again, if it is "
                 "still so",
                 damaged);
    }
    if (status != STATUS_OK) {
        alert_record_unsave(book);
    }
    return status;
}

/* ---- Tiles ---- */

/* A member's name stands behind its family's title. */
static void write_title(const struct fold_output *output, char out[TITLE_SIZE])
{
    const size_t len = strlen(output->config->key);
    const bool member = output->key.len > len + 1;
    snprintf(out, TITLE_SIZE, "%.256s%s%.*s", output->config->title, member ? ": " : "",
             member ? (int)(output->key.len - len - 1) : 0, output->key.p + (member ? len + 1 : 0));
}

void ingestor_alerts_see(struct ingestor *ingestor, const struct fold_output *output,
                         struct moment now)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    if (alerting->book.rule_count == 0) {
        return;
    }
    const bool trouble = output->has_status && output->level >= 0;
    const bool unknown = !output->removed && output->config->thresholds.any && !output->has_status;
    char title[TITLE_SIZE] = "";
    if (trouble) {
        write_title(output, title);
    }
    const struct alert_view view = {
        .key = output->key,
        .title = title,
        .sight = trouble   ? ALERT_TROUBLE
                 : unknown ? ALERT_UNKNOWN
                           : ALERT_OK,
        .level = trouble ? (enum tile_level)output->level : TILE_WARN,
        .since = output->has_status ? output->status_since : (wall_time){0},
    };
    alert_book_see(&alerting->book, &view, now.wall);
    ingestor->saving.unsaved = ingestor->saving.unsaved || alerting->book.unsaved;
}

/* ---- Messages ---- */

/* Appends the one number that people want to hear of a tile, with what it counts; of a table of
 * rows there is none. */
static void put_figure(struct buf *out, const mp_value *data)
{
    static const struct {
        const char *member;
        const char *what;
    } figures[] = {{"value", ""},
                   {"breached", " breached"},
                   {"total", " in all"},
                   {"p95", " (p95)"},
                   {"avg", " on average"}};
    struct str unit;
    double number;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const mp_value *figure = mp_get(data, figures[i].member);
        if (!mp_as_number(figure, &number)) {
            continue;
        }
        json_write_value(out, figure);
        if (mp_as_str(mp_get(data, "unit"), &unit)) {
            buf_printf(out, " %.*s", (int)unit.len, unit.p);
        }
        buf_append_text(out, figures[i].what);
        return;
    }
}

/* What the tile shows now, as far as a message has room for it. */
static void fill_data(struct ingestor *ingestor, struct alert_line *line, struct buf *data,
                      struct buf *value)
{
    const struct tile *tile = store_get(publisher_store(ingestor->publisher), str_of(line->key));
    struct mp_doc *doc = &ingestor->alerting.doc;
    if (tile == NULL || tile->value == NULL ||
        mp_parse(doc, blob_str(tile->value).p, blob_str(tile->value).len) != STATUS_OK) {
        return;
    }
    const mp_value *shown = mp_get(&doc->root, "data");
    if (shown != NULL) {
        json_write_value(data, shown);
        line->data = data->len <= ALERT_DATA_MAX ? buf_str(data) : STR_NULL;
    }
    put_figure(value, shown);
    line->value = value->len != 0 ? buf_str(value) : STR_NULL;
}

/* The definition that a key belongs to: the tile's, or the family's of a member (KEY/VALUE). */
static const struct tile_config *definition_of(const struct ingestor *ingestor, const char *key)
{
    return config_tile(ingestor_tiles(ingestor), (struct str){key, strcspn(key, "/")});
}

static struct alert_line line_of(const struct ingestor *ingestor, const struct alert *alert)
{
    const struct tile_config *tile = definition_of(ingestor, alert->key);
    return (struct alert_line){
        .key = alert->key,
        .title = alert->title,
        .level = alert->leaving_level,
        .over = alert->leaving_over,
        .again = alert->told.firing,
        .before = alert->told.level,
        .since_us = alert->since_us,
        .ended_us = alert->ended_us,
        .link = tile != NULL ? tile->display.link : NULL,
    };
}

static void put_body(struct alert_job *job, const struct alert_message *message)
{
    if (job->rule->mail_to != NULL) {
        alert_body_put_mail(&job->body, message);
    } else {
        alert_body_put(&job->body, message);
        buf_append_text(&job->body, job->rule->command != NULL ? "\n" : "");
    }
}

/* Says that a message was not taken, once until one is. */
static void note_failure(struct alert_rule *rule, const char *why)
{
    if (!rule->failing) {
        log_warn("alert \"%s\" cannot be told: %s. Trying again until it is", rule->config->name,
                 why);
    }
    rule->failing = true;
}

/* Reads PagerDuty's key, and writes the body. False: the key cannot be read. */
static bool write_body(struct ingestor *ingestor, struct alert_rule *rule, struct alert_job *job,
                       struct moment now)
{
    char key[KEY_SIZE] = "";
    struct error err = {{0}};
    struct alert_line lines[ALERT_MESSAGE_MAX];
    struct buf data[ALERT_MESSAGE_MAX] = {{0}};
    struct buf values[ALERT_MESSAGE_MAX] = {{0}};
    if (rule->config->routing_key_file != NULL &&
        config_read_secret(rule->config->routing_key_file, key, sizeof key, &err) != STATUS_OK) {
        note_failure(rule, err.text);
        return false;
    }
    for (size_t i = 0; i < rule->leaving_count; i++) {
        lines[i] = line_of(ingestor, rule->leaving[i]);
        fill_data(ingestor, &lines[i], &data[i], &values[i]);
    }
    const struct alert_message message = {.rule = rule->config,
                                          .lines = lines,
                                          .count = rule->leaving_count,
                                          .now = now.wall,
                                          .routing_key = key};
    put_body(job, &message);
    for (size_t i = 0; i < rule->leaving_count; i++) {
        buf_free(&data[i]);
        buf_free(&values[i]);
    }
    explicit_bzero(key, sizeof key);
    return true;
}

static void tell(struct ingestor *ingestor, struct alert_rule *rule, struct moment now)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    struct alert_job *job = alert_job_create(rule->config);
    job->round = alerting->round;
    job->heartbeat = rule->config->heartbeat_ms != 0;
    if (write_body(ingestor, rule, job, now)) {
        rule->busy = true;
        alert_sender_give(alerting->sender, job);
    } else {
        alert_job_destroy(&job);
        alert_book_failed(&alerting->book, rule, 0, now);
    }
}

/* A dead man's switch is held while all tiles are true. Returns in how many µs it is called. */
static int64_t beat(struct ingestor *ingestor, struct alert_rule *rule, struct moment now)
{
    const bool alive = ingestor->source.caught_up && ingestor->source.missing == 0;
    const int64_t wait = rule->heartbeat_at.us - now.mono.us;
    if (rule->busy || !alive || wait > 0) {
        return rule->busy || !alive ? INT64_MAX : wait;
    }
    rule->heartbeat_at = mono_add_ms(now.mono, rule->config->heartbeat_ms);
    tell(ingestor, rule, now);
    return rule->config->heartbeat_ms * US_PER_MS;
}

int64_t ingestor_alerts_due(struct ingestor *ingestor, struct moment now)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    int64_t wait = INT64_MAX;
    for (size_t i = 0; i < alerting->book.rule_count; i++) {
        struct alert_rule *rule = &alerting->book.rules[i];
        if (rule->config->heartbeat_ms != 0) {
            const int64_t in = beat(ingestor, rule, now);
            wait = in < wait ? in : wait;
        } else if (alert_rule_gather(rule, now)) {
            tell(ingestor, rule, now);
        }
    }
    const int64_t book = alert_book_wait_us(&alerting->book, now);
    return book < wait ? book : wait;
}

static struct alert_rule *rule_of(const struct alert_book *book, const struct alert_job *job)
{
    for (size_t i = 0; i < book->rule_count; i++) {
        if (book->rules[i].config == job->rule) {
            return &book->rules[i];
        }
    }
    return NULL;
}

static void conclude(struct ingestor *ingestor, struct alert_rule *rule,
                     const struct alert_job *job, struct moment now)
{
    struct alert_book *book = &ingestor->alerting.book;
    if (job->taken) {
        if (rule->failing) {
            log_info("alert \"%s\" is told again", rule->config->name);
        }
        rule->failing = false;
        alert_book_taken(book, rule, now.wall);
    } else {
        note_failure(rule, job->error.text);
        alert_book_failed(book, rule, job->retry_ms, now);
        if (job->heartbeat) {
            rule->heartbeat_at = rule->retry_at;
        }
    }
    ingestor->saving.unsaved = ingestor->saving.unsaved || book->unsaved;
}

void ingestor_alerts_answer(struct ingestor *ingestor)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    struct alert_job *job;
    while ((job = alert_sender_take(alerting->sender)) != NULL) {
        struct alert_rule *rule = rule_of(&alerting->book, job);
        if (rule != NULL && job->round == alerting->round) {
            conclude(ingestor, rule, job, ingestor_now(ingestor));
        }
        alert_job_destroy(&job);
    }
}

void ingestor_alerts_change(struct ingestor *ingestor, const struct config *config)
{
    struct ingestor_alerting *alerting = &ingestor->alerting;
    const wall_time now = ingestor_now(ingestor).wall;
    alerting->round++;
    alert_book_abandon(&alerting->book, now);
    alert_book_change(&alerting->book, config, now);
    ingestor->saving.unsaved = true;
}

/* ---- Queries ---- */

static void put_time(struct buf *out, const char *name, int64_t us)
{
    char time[WALL_TEXT_SIZE];
    mp_put_text(out, name);
    mp_put_text(out, wall_format((wall_time){us}, time));
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    mp_put_text(out, name);
    mp_put_text(out, text);
}

static void put_alert(struct buf *out, const struct alert_book *book, const struct alert *alert,
                      wall_time now)
{
    const int64_t silenced = alert_book_silenced_until(book, str_of(alert->key), now);
    struct mp_open_map map = mp_open_map(out);
    put_text(out, "alert", alert->rule->config->name);
    put_text(out, "key", alert->key);
    put_text(out, "title", alert->title);
    put_text(out, "status", tile_level_name(alert->level));
    put_text(out, "state", alert->ended_us != 0 ? "resolved" : "firing");
    put_time(out, "since", alert->since_us);
    mp_put_text(out, "told");
    mp_put_bool(out, alert->told.firing);
    map.count += 7;
    if (alert->told.at_us != 0) {
        put_time(out, "told_at", alert->told.at_us);
        map.count++;
    }
    if (silenced != 0) {
        put_time(out, "silenced_until", silenced);
        map.count++;
    }
    mp_close_map(out, map);
}

static void put_alerts(struct buf *out, const struct alert_book *book, wall_time now)
{
    size_t left = book->count < LISTED_MAX ? book->count : LISTED_MAX;
    mp_put_map(out, 3);
    mp_put_text(out, "alerts");
    mp_put_array(out, left);
    for (size_t i = 0; i < book->rule_count; i++) {
        const struct alert *alert = book->rules[i].alerts;
        for (; alert != NULL && left != 0; alert = alert->by_key.next, left--) {
            put_alert(out, book, alert, now);
        }
    }
    mp_put_text(out, "more");
    mp_put_bool(out, book->count > LISTED_MAX);
    size_t silences = 0;
    for (size_t i = 0; i < book->silence_count; i++) {
        silences += book->silences[i].until.us > now.us;
    }
    mp_put_text(out, "silences");
    mp_put_array(out, silences);
    for (size_t i = 0; i < book->silence_count; i++) {
        if (book->silences[i].until.us > now.us) {
            mp_put_map(out, 2);
            put_text(out, "key", book->silences[i].pattern);
            put_time(out, "until", book->silences[i].until.us);
        }
    }
}

/* Why nobody may silence anything just now; NULL: one may. */
static const char *closed(const struct ingestor *ingestor)
{
    if (ingestor->phase != INGESTOR_LIVE) {
        return ingestor->answering.reason[0] != '\0' ? ingestor->answering.reason
                                                     : "this ingestor does not lead";
    }
    return ingestor->alerting.book.rule_count == 0
               ? "nobody is told of anything: the configuration of this ingestor has no `alerts`"
               : NULL;
}

static const char *silence(struct ingestor *ingestor, const mp_value *request, wall_time now,
                           const char **code)
{
    struct str pattern;
    uint64_t ms;
    if (!guard_may_silence(ingestor->answering.guard, server_key(ingestor->answering.server))) {
        *code = ANSWER_DENIED;
        return "by the clients file, whoever has this key silences no alerts: give it `may: "
               "[subscribe, query, silence]` there, and send SIGHUP to the ingestor";
    }
    if (!mp_as_str(mp_get(request, QUERY_ARG_KEY), &pattern) || !pattern_names_key(pattern) ||
        pattern.len > TILE_KEY_MAX || !mp_as_uint(mp_get(request, QUERY_ARG_FOR_MS), &ms) ||
        ms > SILENCE_MAX_MS) {
        *code = ANSWER_BAD_REQUEST;
        return "`key` is the key of a tile, in which * stands for any characters, of at most 128 "
               "bytes, and `for_ms` a number of at most 366 days";
    }
    const wall_time until = wall_add_us(now, (int64_t)ms * US_PER_MS);
    if (!alert_book_silence(&ingestor->alerting.book, pattern, until, now)) {
        *code = ANSWER_FULL;
        return "there are 1000 silences: end one of them, or say it with *";
    }
    log_info("alerts of %.*s are silenced for %llu ms", (int)pattern.len, pattern.p,
             (unsigned long long)ms);
    ingestor->saving.unsaved = true;
    return NULL;
}

const char *ingestor_alerts_query(void *arg, const mp_value *request, struct buf *reply,
                                  const char **code)
{
    struct ingestor *ingestor = arg;
    struct str op;
    const wall_time now = ingestor_now(ingestor).wall;
    const char *wrong = closed(ingestor);
    if (wrong != NULL) {
        *code = ANSWER_UNAVAILABLE;
        return wrong;
    }
    if (mp_as_str(mp_get(request, QUERY_ARG_OP), &op) && str_is(op, QUERY_OP_SILENCE)) {
        wrong = silence(ingestor, request, now, code);
    }
    if (wrong == NULL) {
        put_alerts(reply, &ingestor->alerting.book, now);
    }
    return wrong;
}

size_t ingestor_alerts_stats(struct ingestor *ingestor, struct buf *out)
{
    const struct alert_counters counters =
        alert_book_counters(&ingestor->alerting.book, ingestor_now(ingestor).wall);
    const struct metric metrics[] = {
        {"alerts_firing", counters.firing},    {"alerts_waiting", counters.waiting},
        {"alerts_refused", counters.refused},  {"alert_messages", counters.messages},
        {"alert_failures", counters.failures}, {"alert_silences", counters.silences},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics);
}
