/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_record.h"

#include <string.h>

#include "common/codec/mp.h"

#define FORMAT 1
#define NAME_SIZE 512 /* of a rule's name, and of a title, with their NUL */

/* ---- Saving ---- */

static struct state_id id_of(uint64_t number)
{
    return (struct state_id){.member = STATE_ALERT, .item = number};
}

static void put_alert(const struct alert *alert, struct state_changes *out)
{
    struct buf *value = state_put_begin(out, id_of(alert->number));
    mp_put_array(value, 10);
    mp_put_uint(value, FORMAT);
    mp_put_text(value, alert->rule->config->name);
    mp_put_text(value, alert->key);
    mp_put_text(value, alert->title);
    mp_put_uint(value, (uint64_t)alert->level);
    mp_put_int(value, alert->since_us);
    mp_put_int(value, alert->ended_us);
    mp_put_bool(value, alert->told.firing);
    mp_put_uint(value, (uint64_t)alert->told.level);
    mp_put_int(value, alert->told.at_us);
    state_put_end(out);
}

static void put_silences(const struct alert_book *book, struct state_changes *out)
{
    struct buf *value = state_put_begin(out, (struct state_id){.item = STATE_SILENCES});
    mp_put_array(value, 2);
    mp_put_uint(value, FORMAT);
    mp_put_array(value, book->silence_count);
    for (size_t i = 0; i < book->silence_count; i++) {
        mp_put_array(value, 2);
        mp_put_text(value, book->silences[i].pattern);
        mp_put_int(value, book->silences[i].until.us);
    }
    state_put_end(out);
}

void alert_record_save(struct alert_book *book, struct state_changes *out)
{
    if (!book->unsaved) {
        return;
    }
    for (size_t i = 0; i < book->gone_count; i++) {
        state_gone(out, STATE_ITEM_GONE, id_of(book->gone[i]));
    }
    for (size_t i = 0; i < book->rule_count; i++) {
        struct alert *alert = book->rules[i].alerts;
        for (; alert != NULL; alert = alert->by_key.next) {
            if (alert->unsaved) {
                put_alert(alert, out);
                alert->unsaved = false;
            }
        }
    }
    if (book->silences_unsaved) {
        put_silences(book, out);
    }
    book->gone_count = 0;
    book->silences_unsaved = false;
    book->unsaved = false;
}

void alert_record_unsave(struct alert_book *book)
{
    for (size_t i = 0; i < book->rule_count; i++) {
        struct alert *alert = book->rules[i].alerts;
        for (; alert != NULL; alert = alert->by_key.next) {
            alert->unsaved = true;
        }
    }
    book->silences_unsaved = book->silence_count != 0;
    book->unsaved = book->silences_unsaved || book->count != 0;
}

/* ---- Loading ---- */

static bool read_name(const mp_value *value, char out[NAME_SIZE])
{
    struct str text;
    if (!mp_as_str(value, &text) || text.len == 0 || text.len >= NAME_SIZE) {
        return false;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_level(const mp_value *value, enum tile_level *out)
{
    uint64_t level;
    if (!mp_as_uint(value, &level) || level >= TILE_LEVELS) {
        return false;
    }
    *out = (enum tile_level)level;
    return true;
}

static bool read_alert(struct alert_book *book, const mp_value *record, uint64_t number,
                       wall_time now)
{
    struct alert read = {.number = number};
    char name[NAME_SIZE];
    char title[NAME_SIZE];
    struct str key;
    if (!read_name(mp_at(record, 1), name) || !mp_as_str(mp_at(record, 2), &key) ||
        !read_name(mp_at(record, 3), title) || !read_level(mp_at(record, 4), &read.level) ||
        !mp_as_int(mp_at(record, 5), &read.since_us) ||
        !mp_as_int(mp_at(record, 6), &read.ended_us) ||
        !mp_as_bool(mp_at(record, 7), &read.told.firing) ||
        !read_level(mp_at(record, 8), &read.told.level) ||
        !mp_as_int(mp_at(record, 9), &read.told.at_us)) {
        return false;
    }
    book->next_number = number >= book->next_number ? number + 1 : book->next_number;
    struct alert_rule *rule = alert_book_rule(book, name);
    if (rule == NULL || rule->config->heartbeat_ms != 0) {
        alert_book_drop(book, number); /* nobody is to be told any more */
        return true;
    }
    struct alert *alert = alert_book_add(book, rule, key, title);
    if (alert != NULL) {
        alert->number = number;
        alert->level = read.level;
        alert->since_us = read.since_us;
        alert->ended_us = read.ended_us;
        alert->told = read.told;
        alert_book_plan(book, alert, now);
    }
    return true;
}

static bool read_silences(struct alert_book *book, const mp_value *record, wall_time now)
{
    const mp_value *list = mp_at(record, 1);
    for (size_t i = 0; i < mp_count(list); i++) {
        struct str pattern;
        wall_time until;
        if (!mp_as_str(mp_at(mp_at(list, i), 0), &pattern) ||
            !mp_as_int(mp_at(mp_at(list, i), 1), &until.us)) {
            return false;
        }
        if (until.us > now.us) {
            (void)alert_book_silence(book, pattern, until, now);
        }
    }
    return mp_is_array(list);
}

/* Reads one record of ours; false: it is damaged. */
static bool read_record(struct alert_book *book, struct mp_doc *doc, struct state_id id,
                        struct str value, wall_time now, uint64_t *format)
{
    *format = 0;
    if (mp_parse(doc, value.p, value.len) != STATUS_OK ||
        !mp_as_uint(mp_at(&doc->root, 0), format)) {
        return false;
    }
    if (*format > FORMAT) {
        return true;
    }
    return id.member == STATE_ALERT ? read_alert(book, &doc->root, id.item, now)
                                    : read_silences(book, &doc->root, now);
}

/* What cannot be read is not to stay in the store. */
static void replace(struct alert_book *book, struct state_id id)
{
    if (id.member == STATE_ALERT) {
        book->next_number = id.item >= book->next_number ? id.item + 1 : book->next_number;
        alert_book_drop(book, id.item);
    } else {
        book->silences_unsaved = true;
        book->unsaved = true;
    }
}

int alert_record_load(struct alert_book *book, const struct state_changes *saved, wall_time now,
                      size_t *damaged, struct error *err)
{
    struct mp_doc doc;
    uint64_t format = 0;
    *damaged = 0;
    mp_doc_init(&doc);
    for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0 && format <= FORMAT; i++) {
        const struct state_id id = saved->list[i].id;
        const bool ours = id.member == STATE_ALERT || (id.member == 0 && id.item == STATE_SILENCES);
        const bool good = !ours || (saved->list[i].kind == STATE_PUT &&
                                    read_record(book, &doc, id, state_value(saved, &saved->list[i]),
                                                now, &format));
        if (!good) {
            *damaged += 1;
            replace(book, id);
        }
    }
    mp_doc_free(&doc);
    if (format > FORMAT) {
        return error_set(err, STATUS_NEWER,
                         "the state has alerts that a newer version of Tilewire wrote");
    }
    return STATUS_OK;
}
