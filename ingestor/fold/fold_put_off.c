/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_put_off.h"

#include "common/codec/mp.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_rows.h"

/* ---- What is lacking ---- */

static void mark(struct fold *fold, uint64_t sources, mono_time now)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        if (family_counts(&fold->families[i], sources)) {
            family_mark_dirty(fold, &fold->families[i], now);
        }
    }
}

void fold_put_off_note(struct fold *fold, struct moment now)
{
    struct put_off *p = &fold->put_off;
    uint64_t lacking = p->reading ? p->lacking & (p->sources | PUT_OFF_UNKNOWN) : 0;
    if (waiting_puts_off(&fold->waiting, now.wall)) {
        lacking |= put_off_counts_sources(&fold->waiting.put_off);
    }
    if (lacking != p->lacking) {
        mark(fold, lacking ^ p->lacking, now.mono);
        p->lacking = lacking;
    }
}

uint64_t fold_put_off_rows(const struct fold *fold)
{
    return (fold->waiting.full ? put_off_counts_total(&fold->waiting.put_off) : 0) +
           (fold->put_off.reading ? put_off_counts_total(&fold->put_off.missing) : 0);
}

/* ---- Reading them again ---- */

bool fold_put_off_due(const struct fold *fold, wall_time now)
{
    return !fold->put_off.reading && waiting_puts_off(&fold->waiting, now);
}

int64_t fold_put_off_wait_us(const struct fold *fold, wall_time now)
{
    const struct waiting *waiting = &fold->waiting;
    return waiting->full && waiting->put_off_from.us > now.us ? waiting->put_off_from.us - now.us
                                                              : INT64_MAX;
}

bool fold_put_off_begin(struct fold *fold, struct str to, struct moment now)
{
    struct put_off *p = &fold->put_off;
    if (!fold_put_off_due(fold, now.wall)) {
        return false;
    }
    fold_due(fold, now); /* these make room */
    fold_put_off_note(fold, now);
    p->reading = true;
    p->from = fold->waiting.put_off_from;
    p->sources = put_off_counts_all(fold->config);
    p->missing = fold->waiting.put_off;
    buf_clear(&p->done);
    buf_clear(&p->to);
    buf_append_str(&p->to, to);
    p->permille = 0;
    p->unsaved = true;
    p->to_unsaved = true;
    fold->waiting.full = false;
    fold->waiting_unsaved = true;
    return true;
}

const struct put_off *fold_put_off_reading(const struct fold *fold)
{
    return fold != NULL && fold->put_off.reading ? &fold->put_off : NULL;
}

void fold_put_off_event(struct fold *fold, const struct event *event, struct moment now)
{
    struct put_off *p = &fold->put_off;
    if (event->timestamp.us < p->from.us || (p->sources >> (event->source & 63) & 1) == 0 ||
        fold_plan_for(&fold->plans, event->event_type)->count == 0) {
        return; /* It was not put off: only rows that some tile wants are. */
    }
    fold_reach(fold, now.wall);
    uint64_t *missing = put_off_counts_of(&p->missing, event);
    *missing -= *missing != 0;
    if (event->timestamp.us > now.wall.us || waiting_puts_off(&fold->waiting, event->timestamp)) {
        fold_wait_for(fold, event, now);
        return;
    }
    struct event past = *event;
    past.arrival = (wall_time){0}; /* it is no news */
    fold_row(fold, &past, FOLD_ROW_PUT_OFF, now);
}

void fold_put_off_progress(struct fold *fold, struct str done, double progress, struct moment now)
{
    struct put_off *p = &fold->put_off;
    const int permille = progress > 0.999 ? 999 : (int)(progress * 1000);
    if (p->permille != permille) {
        p->permille = permille;
        mark(fold, p->lacking, now.mono);
    }
    buf_clear(&p->done);
    buf_append_str(&p->done, done);
    p->unsaved = true;
}

void fold_put_off_sources_anew(struct fold *fold, uint64_t sources)
{
    struct put_off *p = &fold->put_off;
    if (p->reading) {
        p->sources &= ~sources;
        put_off_counts_drop(&p->missing, sources);
        p->unsaved = true;
    }
}

uint64_t fold_put_off_end(struct fold *fold, uint64_t *sources, struct moment now)
{
    struct put_off *p = &fold->put_off;
    const uint64_t missing = put_off_counts_total(&p->missing);
    *sources = put_off_counts_sources(&p->missing);
    p->reading = false;
    p->permille = 0;
    buf_free(&p->to);
    buf_free(&p->done);
    fold_put_off_unsave(fold);
    fold_put_off_note(fold, now);
    return missing;
}

/* ---- The state ---- */

void fold_put_off_unsave(struct fold *fold)
{
    fold->put_off.unsaved = true;
    fold->put_off.to_unsaved = true;
}

void fold_put_off_save(struct fold *fold, struct state_changes *out)
{
    struct put_off *p = &fold->put_off;
    if (p->unsaved) {
        struct buf *value = state_put_begin(out, (struct state_id){.item = STATE_PUT_OFF_READING});
        mp_put_array(value, p->reading ? 3 : 0);
        if (p->reading) {
            mp_put_int(value, p->from.us);
            put_off_counts_save(&p->missing, p->sources, fold->config, value);
            mp_put_bin(value, buf_str(&p->done));
        }
        state_put_end(out);
    }
    if (p->to_unsaved) {
        state_put(out, (struct state_id){.item = STATE_PUT_OFF_TO}, buf_str(&p->to));
    }
    p->unsaved = false;
    p->to_unsaved = false;
}

bool fold_put_off_load(struct fold *fold, const struct state_changes *saved)
{
    struct put_off *p = &fold->put_off;
    struct mp_doc doc;
    struct str done;
    const struct str value = state_whole(saved, STATE_PUT_OFF_READING);
    const struct str to = state_whole(saved, STATE_PUT_OFF_TO);
    bool good = true;
    mp_doc_init(&doc);
    if (value.p != NULL) {
        good = mp_parse(&doc, value.p, value.len) == STATUS_OK && mp_is_array(&doc.root);
        p->reading = good && mp_count(&doc.root) != 0;
    }
    if (p->reading) {
        good = to.p != NULL && mp_as_int(mp_at(&doc.root, 0), &p->from.us) &&
               put_off_counts_load(&p->missing, &p->sources, fold->config, mp_at(&doc.root, 1)) &&
               mp_as_bin(mp_at(&doc.root, 2), &done);
        p->lacking = p->sources | put_off_counts_sources(&p->missing);
    }
    if (p->reading && good) {
        buf_append_str(&p->to, to);
        buf_append_str(&p->done, done);
    }
    mp_doc_free(&doc);
    return good;
}
