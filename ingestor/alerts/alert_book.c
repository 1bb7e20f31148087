/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_book.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 60000

/* ---- Rules ---- */

static bool is_about(const struct config_alert *rule, struct str key)
{
    bool any = rule->tiles == NULL;
    for (size_t i = 0; i < rule->tile_count && !any; i++) {
        any = str_glob(rule->tiles[i], key);
    }
    return any && rule->heartbeat_ms == 0;
}

static void make_rules(struct alert_book *book, const struct config *config, uint64_t seed)
{
    book->rule_count = config->alert_count;
    book->rules = x_calloc(config->alert_count + 1, sizeof *book->rules);
    for (size_t i = 0; i < config->alert_count; i++) {
        struct alert_rule *rule = &book->rules[i];
        const int64_t beat = config->alerts[i].heartbeat_ms;
        rule->config = &config->alerts[i];
        rule->backoff = (struct backoff){
            .first_ms = RETRY_FIRST_MS,
            .max_ms = beat == 0 || beat > RETRY_MAX_MS ? RETRY_MAX_MS : beat,
            .random = seed + i,
        };
        rule->backoff.first_ms = rule->backoff.first_ms < rule->backoff.max_ms
                                     ? rule->backoff.first_ms
                                     : rule->backoff.max_ms;
    }
}

void alert_book_init(struct alert_book *book, const struct config *config, uint64_t seed)
{
    *book = (struct alert_book){.next_number = 1};
    make_rules(book, config, seed);
}

static void free_alert(struct alert *alert)
{
    free(alert->key);
    free(alert->title);
    free(alert);
}

static void free_rules(struct alert_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct alert *alert;
        struct alert *next;
        HASH_ITER(by_key, rules[i].alerts, alert, next)
        {
            HASH_DELETE(by_key, rules[i].alerts, alert);
            free_alert(alert);
        }
        heap_free(&rules[i].due);
    }
    free(rules);
}

void alert_book_free(struct alert_book *book)
{
    free_rules(book->rules, book->rule_count);
    for (size_t i = 0; i < book->silence_count; i++) {
        free(book->silences[i].pattern);
    }
    free(book->silences);
    free(book->gone);
    *book = (struct alert_book){0};
}

struct alert_rule *alert_book_rule(const struct alert_book *book, const char *name)
{
    for (size_t i = 0; i < book->rule_count; i++) {
        if (strcmp(book->rules[i].config->name, name) == 0) {
            return &book->rules[i];
        }
    }
    return NULL;
}

/* ---- Alerts ---- */

static struct alert *find(const struct alert_rule *rule, struct str key)
{
    struct alert *alert = NULL;
    if (rule->alerts != NULL) {
        HASH_FIND(by_key, rule->alerts, key.p, key.len, alert);
    }
    return alert;
}

struct alert *alert_book_add(struct alert_book *book, struct alert_rule *rule, struct str key,
                             const char *title)
{
    if (book->count == ALERTS_MAX) {
        book->counters.refused++;
        return NULL;
    }
    struct alert *alert = x_calloc(1, sizeof *alert);
    alert->rule = rule;
    alert->key = x_strndup(key.p, key.len);
    alert->title = x_strdup(title);
    alert->due.index = HEAP_NONE;
    alert->number = book->next_number++;
    HASH_ADD_KEYPTR(by_key, rule->alerts, alert->key, key.len, alert);
    book->count++;
    return alert;
}

static void touch(struct alert_book *book, struct alert *alert)
{
    alert->unsaved = true;
    book->unsaved = true;
}

void alert_book_drop(struct alert_book *book, uint64_t number)
{
    if (book->gone_count == book->gone_cap) {
        book->gone_cap = book->gone_cap != 0 ? 2 * book->gone_cap : 16;
        book->gone = x_realloc(book->gone, book->gone_cap * sizeof *book->gone);
    }
    book->gone[book->gone_count++] = number;
    book->unsaved = true;
}

static void forget(struct alert_book *book, struct alert *alert)
{
    alert_book_drop(book, alert->number);
    HASH_DELETE(by_key, alert->rule->alerts, alert);
    heap_remove(&alert->rule->due, &alert->due);
    book->count--;
    free_alert(alert);
}

int64_t alert_book_silenced_until(const struct alert_book *book, struct str key, wall_time now)
{
    int64_t until = 0;
    for (size_t i = 0; i < book->silence_count; i++) {
        const struct alert_silence *silence = &book->silences[i];
        if (silence->until.us > now.us && silence->until.us > until &&
            str_glob(str_of(silence->pattern), key)) {
            until = silence->until.us;
        }
    }
    return until;
}

/* True when one that is over lasted long enough to be told that it began. */
static bool owes_beginning(const struct alert *alert)
{
    return alert->ended_us - alert->since_us >= alert->rule->config->for_ms * US_PER_MS;
}

/* When it is to be told next; INT64_MAX: not by time alone. */
static int64_t due_us(const struct alert *alert, int64_t silenced_us, wall_time now)
{
    const struct config_alert *config = alert->rule->config;
    if (alert->leaving) {
        return INT64_MAX;
    }
    if (alert->ended_us != 0 && alert->told.firing) {
        return alert->ended_us;
    }
    int64_t due = INT64_MAX;
    if (!alert->told.firing) {
        due = alert->since_us + config->for_ms * US_PER_MS;
    } else if (alert->told.level != alert->level) {
        due = now.us;
    } else if (config->repeat_ms != 0) {
        due = alert->told.at_us + config->repeat_ms * US_PER_MS;
    }
    return due > silenced_us ? due : silenced_us;
}

/* Forgets it when there is nothing more to tell. */
void alert_book_plan(struct alert_book *book, struct alert *alert, wall_time now)
{
    const int64_t silenced_us = alert_book_silenced_until(book, str_of(alert->key), now);
    const bool over = alert->ended_us != 0 && !alert->leaving;
    const bool owes = alert->told.firing ? alert->rule->config->resolved
                                         : silenced_us == 0 && owes_beginning(alert);
    if (over && !owes) {
        forget(book, alert);
        return;
    }
    const int64_t due = due_us(alert, silenced_us, now);
    if (due == INT64_MAX) {
        heap_remove(&alert->rule->due, &alert->due);
    } else {
        heap_set(&alert->rule->due, &alert->due, due);
    }
}

static void end(struct alert_book *book, struct alert *alert, wall_time at, wall_time now)
{
    if (alert->ended_us == 0) {
        alert->ended_us = at.us > alert->since_us ? at.us : alert->since_us;
        alert->ended_us += alert->ended_us == 0;
        touch(book, alert);
        alert_book_plan(book, alert, now);
    }
}

static void see_trouble(struct alert_book *book, struct alert_rule *rule, struct alert *alert,
                        const struct alert_view *view, wall_time now)
{
    if (alert == NULL) {
        if (!is_about(rule->config, view->key)) {
            return;
        }
        alert = alert_book_add(book, rule, view->key, view->title);
        if (alert == NULL) {
            return;
        }
        alert->since_us = view->since.us;
    } else if (alert->ended_us == 0 && alert->level == view->level) {
        alert->seen = true;
        return;
    } else if (alert->ended_us != 0) {
        /* It began again before its receiver has taken that it had ended. If that is just being
         * told, this is a beginning of its own. */
        alert->since_us = alert->leaving_over ? view->since.us : alert->since_us;
        alert->ended_us = 0;
    }
    alert->seen = true;
    alert->level = view->level;
    touch(book, alert);
    alert_book_plan(book, alert, now);
}

void alert_book_see(struct alert_book *book, const struct alert_view *view, wall_time now)
{
    if (book->count == 0 && view->sight != ALERT_TROUBLE) {
        return;
    }
    for (size_t i = 0; i < book->rule_count; i++) {
        struct alert_rule *rule = &book->rules[i];
        struct alert *alert = find(rule, view->key);
        if (view->sight == ALERT_TROUBLE && view->level >= rule->config->status) {
            see_trouble(book, rule, alert, view, now);
        } else if (alert != NULL && view->sight == ALERT_UNKNOWN) {
            alert->seen = true;
        } else if (alert != NULL) {
            end(book, alert, view->since.us != 0 ? view->since : now, now);
        }
    }
}

/* Calls `each`, which may forget the alert. */
static void each_alert(struct alert_book *book, wall_time now,
                       void (*each)(struct alert_book *book, struct alert *alert, wall_time now))
{
    for (size_t i = 0; i < book->rule_count; i++) {
        struct alert *alert;
        struct alert *next;
        HASH_ITER(by_key, book->rules[i].alerts, alert, next)
        {
            each(book, alert, now);
        }
    }
}

static void unsee(struct alert_book *book, struct alert *alert, wall_time now)
{
    (void)book;
    (void)now;
    alert->seen = false;
}

static void end_unseen(struct alert_book *book, struct alert *alert, wall_time now)
{
    if (!alert->seen) {
        end(book, alert, now, now);
    }
}

void alert_book_mark(struct alert_book *book)
{
    each_alert(book, (wall_time){0}, unsee);
}

void alert_book_sweep(struct alert_book *book, wall_time now)
{
    each_alert(book, now, end_unseen);
}

/* ---- Messages ---- */

bool alert_rule_gather(struct alert_rule *rule, struct moment now)
{
    const size_t max = rule->config->format == CONFIG_ALERT_PAGERDUTY ? 1 : ALERT_MESSAGE_MAX;
    struct heap_item *top = heap_top(&rule->due);
    if (rule->busy || top == NULL || top->key > now.wall.us) {
        rule->gathers_until_us = rule->busy ? rule->gathers_until_us : 0;
        return false;
    }
    if (rule->gathers_until_us == 0) {
        rule->gathers_until_us = now.wall.us + rule->config->wait_ms * US_PER_MS;
    }
    const bool too_long = rule->gathers_until_us - now.wall.us > rule->config->wait_ms * US_PER_MS;
    if ((rule->gathers_until_us > now.wall.us && !too_long) || now.mono.us < rule->retry_at.us) {
        return false;
    }
    while (rule->leaving_count < max && (top = heap_top(&rule->due)) != NULL &&
           top->key <= now.wall.us) {
        struct alert *alert = heap_entry(top, struct alert, due);
        heap_remove(&rule->due, &alert->due);
        alert->leaving = true;
        alert->leaving_over = alert->ended_us != 0 && alert->told.firing;
        alert->leaving_level = alert->leaving_over ? alert->told.level : alert->level;
        rule->leaving[rule->leaving_count++] = alert;
    }
    rule->busy = true;
    rule->gathers_until_us = 0;
    return true;
}

/* Ends the message that is under way. */
static void arrive(struct alert_book *book, struct alert_rule *rule, bool taken, wall_time now)
{
    for (size_t i = 0; i < rule->leaving_count; i++) {
        struct alert *alert = rule->leaving[i];
        const bool over = alert->leaving_over;
        alert->leaving = false;
        alert->leaving_over = false;
        if (taken) {
            alert->told = (struct alert_told){!over, alert->leaving_level, now.us};
            touch(book, alert);
        }
        if (taken && over && alert->ended_us != 0) {
            forget(book, alert);
        } else {
            alert_book_plan(book, alert, now);
        }
    }
    rule->leaving_count = 0;
    rule->busy = false;
}

void alert_book_taken(struct alert_book *book, struct alert_rule *rule, wall_time now)
{
    book->counters.messages++;
    backoff_reset(&rule->backoff);
    rule->retry_at = (mono_time){0};
    arrive(book, rule, true, now);
}

void alert_book_failed(struct alert_book *book, struct alert_rule *rule, int64_t retry_ms,
                       struct moment now)
{
    const int64_t wait_ms = backoff_next_ms(&rule->backoff);
    book->counters.failures++;
    rule->retry_at = mono_add_ms(now.mono, wait_ms > retry_ms ? wait_ms : retry_ms);
    arrive(book, rule, false, now.wall);
}

void alert_book_abandon(struct alert_book *book, wall_time now)
{
    for (size_t i = 0; i < book->rule_count; i++) {
        arrive(book, &book->rules[i], false, now);
    }
}

int64_t alert_book_wait_us(const struct alert_book *book, struct moment now)
{
    int64_t wait = INT64_MAX;
    for (size_t i = 0; i < book->rule_count; i++) {
        const struct alert_rule *rule = &book->rules[i];
        const struct heap_item *top = heap_top(&rule->due);
        if (rule->busy || top == NULL) {
            continue;
        }
        const int64_t due = top->key > rule->gathers_until_us ? top->key : rule->gathers_until_us;
        const int64_t due_in = due - now.wall.us;
        const int64_t retry_in = rule->retry_at.us - now.mono.us;
        const int64_t in = due_in > retry_in ? due_in : retry_in;
        wait = in < wait ? in : wait;
    }
    return wait < 0 ? 0 : wait;
}

/* ---- Another configuration ---- */

/* Moves the alerts of a rule to the one that has its name now, or forgets them. */
static void move_alerts(struct alert_book *book, struct alert_rule *from, struct alert_rule *to,
                        wall_time now)
{
    struct alert *alert;
    struct alert *next;
    HASH_ITER(by_key, from->alerts, alert, next)
    {
        if (to == NULL || (!alert->told.firing && !is_about(to->config, str_of(alert->key)))) {
            forget(book, alert);
            continue;
        }
        HASH_DELETE(by_key, from->alerts, alert);
        heap_remove(&from->due, &alert->due);
        alert->rule = to;
        HASH_ADD_KEYPTR(by_key, to->alerts, alert->key, strlen(alert->key), alert);
        const bool about =
            is_about(to->config, str_of(alert->key)) && alert->level >= to->config->status;
        if (about || alert->ended_us != 0) {
            alert_book_plan(book, alert, now);
        } else {
            end(book, alert, now, now);
        }
    }
}

void alert_book_change(struct alert_book *book, const struct config *config, wall_time now)
{
    struct alert_rule *old = book->rules;
    const size_t old_count = book->rule_count;
    make_rules(book, config, (uint64_t)now.us);
    for (size_t i = 0; i < old_count; i++) {
        move_alerts(book, &old[i], alert_book_rule(book, old[i].config->name), now);
    }
    free_rules(old, old_count);
}

/* ---- Silences ---- */

static void drop_silence(struct alert_book *book, size_t i)
{
    free(book->silences[i].pattern);
    book->silences[i] = book->silences[--book->silence_count];
}

bool alert_book_silence(struct alert_book *book, struct str pattern, wall_time until, wall_time now)
{
    for (size_t i = book->silence_count; i > 0; i--) {
        const struct alert_silence *silence = &book->silences[i - 1];
        if (silence->until.us <= now.us || str_equal(str_of(silence->pattern), pattern)) {
            drop_silence(book, i - 1);
        }
    }
    if (until.us > now.us) {
        if (book->silence_count == ALERT_SILENCES_MAX) {
            return false;
        }
        book->silences =
            x_realloc(book->silences, (book->silence_count + 1) * sizeof *book->silences);
        book->silences[book->silence_count++] =
            (struct alert_silence){x_strndup(pattern.p, pattern.len), until};
    }
    book->silences_unsaved = true;
    book->unsaved = true;
    each_alert(book, now, alert_book_plan);
    return true;
}

/* ---- What there is to know ---- */

struct alert_counters alert_book_counters(const struct alert_book *book, wall_time now)
{
    struct alert_counters counters = book->counters;
    for (size_t i = 0; i < book->rule_count; i++) {
        const struct alert *alert;
        for (alert = book->rules[i].alerts; alert != NULL; alert = alert->by_key.next) {
            counters.firing += alert->ended_us == 0;
            counters.waiting +=
                alert->leaving || (heap_contains(&alert->due) && alert->due.key <= now.us);
        }
    }
    for (size_t i = 0; i < book->silence_count; i++) {
        counters.silences += book->silences[i].until.us > now.us;
    }
    return counters;
}
