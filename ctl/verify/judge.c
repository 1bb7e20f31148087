/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/judge.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ctl/verify/diff.h"
#include "ctl/verify/gone.h"
#include "ctl/verify/truncated.h"

struct judge {
    struct mp_doc expected;
    struct mp_doc got;
    struct mp_doc before;
    struct buf shortened; /* used within equal() only */
};

const char *judge_verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_EQUAL] = "equal",           [VERDICT_DIFFERS] = "differs",
        [VERDICT_LACKS] = "lacks",           [VERDICT_BEHIND] = "behind",
        [VERDICT_MISSING] = "missing",       [VERDICT_SURPLUS] = "surplus",
        [VERDICT_STALE] = "stale",           [VERDICT_UNPROVABLE] = "unprovable",
        [VERDICT_BUILDING] = "building",     [VERDICT_SHOWN_OTHERWISE] = "shown_otherwise",
        [VERDICT_SHOWN_LATE] = "shown_late", [VERDICT_NOT_SHOWN] = "not_shown",
        [VERDICT_EXPOSED] = "exposed",
    };
    return names[verdict];
}

struct judge *judge_create(void)
{
    struct judge *judge = x_calloc(1, sizeof *judge);
    mp_doc_init(&judge->expected);
    mp_doc_init(&judge->got);
    mp_doc_init(&judge->before);
    return judge;
}

void judge_destroy(struct judge **judge_p)
{
    struct judge *judge = *judge_p;
    if (judge != NULL) {
        mp_doc_free(&judge->expected);
        mp_doc_free(&judge->got);
        mp_doc_free(&judge->before);
        buf_free(&judge->shortened);
        free(judge);
        *judge_p = NULL;
    }
}

void judge_free_judged(struct judged *judged)
{
    free(judged->reason);
    free(judged->proved);
    buf_free(&judged->expected);
    buf_free(&judged->shown);
    *judged = (struct judged){0};
}

static void say(struct judged *out, enum verdict verdict, char *reason)
{
    free(out->reason);
    out->verdict = verdict;
    out->reason = reason;
}

/* ---- Comparing values ---- */

static void note_difference(void *arg, const char *path, const mp_value *expected,
                            const mp_value *got)
{
    (void)path;
    (void)expected;
    (void)got;
    *(bool *)arg = true;
}

/* judge->got has been parsed; what is expected is parsed here. */
static bool equal(struct judge *judge, const struct judge_case *c, const struct buf *expected)
{
    bool differs = false;
    if (mp_parse(&judge->expected, expected->data, expected->len) != STATUS_OK) {
        return false;
    }
    const mp_value *left_out = mp_get(&judge->got.root, "truncated");
    if (mp_is_array(left_out) &&
        expected->len > oracle_rows_config(c->members->rows)->ingestor.limits.tile_bytes) {
        buf_clear(&judge->shortened);
        truncated_expect(&judge->shortened, &judge->expected.root, left_out);
        (void)mp_parse(&judge->expected, judge->shortened.data, judge->shortened.len);
    }
    diff_values(&judge->expected.root, &judge->got.root, VERIFY_TOLERANCE, note_difference,
                &differs);
    return !differs;
}

/* True when the tile is what the rows of that cut give. What they give is then in `expected`. */
static bool is_right(struct judge *judge, const struct judge_case *c, const struct oracle_cut *cut,
                     struct buf *expected, bool *shown)
{
    buf_clear(expected);
    *shown = oracle_tile(c->members, c->member, cut, expected);
    return equal(judge, c, expected) && *shown;
}

/* ---- Which rows ---- */

static uint64_t position_of(const struct served_tile *tile)
{
    return order_number(str_of(tile->position));
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static wall_time later(wall_time a, wall_time b)
{
    return a.us > b.us ? a : b;
}

/* The id that a tile names as that of the first row that it could know, if rows had gone before it
 * was built; else 0. */
static int64_t since_id(const mp_value *value)
{
    struct str position;
    bool complete = true;
    (void)mp_as_bool(mp_get(value, "complete"), &complete);
    const bool named = mp_as_str(mp_get(mp_get(value, "since"), "position"), &position);
    const uint64_t id = !complete && named ? order_number(position) : 0;
    return id < INT64_MAX ? (int64_t)id : INT64_MAX;
}

/* Chooses the rows that are in the tile: those whose tally is the tile's, if some are. True then.
 */
static bool choose_rows(const struct judge_case *c, const mp_value *value, struct oracle_cut *cut,
                        struct tally *left)
{
    const struct delivery *delivery = c->delivery;
    const struct oracle_cut first = {
        .ordinals = delivery->ordinals,
        .last = greater(position_of(c->tile), delivery->floor),
        .at = c->tile->as_of,
        .since_id = since_id(value),
        .left_out = delivery->duplicates.left_out,
    };
    struct oracle_cut others[2] = {first, first};
    others[0].since_id = 0;      /* An older row came late. */
    others[1].last = UINT64_MAX; /* All rows: the order is not that of this tile. */
    const size_t count = delivery->sure ? 1 : 2;
    *cut = first;
    *left = oracle_tally(c->members, c->member, cut, NULL);
    for (size_t i = 0; i < count && !tally_equal(left, &c->tile->tally); i++) {
        const struct tally tally = oracle_tally(c->members, c->member, &others[i], NULL);
        if (tally_equal(&tally, &c->tile->tally)) {
            *cut = others[i];
            *left = tally;
        }
    }
    return tally_equal(left, &c->tile->tally);
}

/* ---- Up to date? ---- */

/* How many of the member's rows have ids with which other rows were delivered. */
static size_t replaced_rows(const struct judge_case *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->member->count; i++) {
        count += c->delivery->replaced[c->member->picked[i]];
    }
    return count;
}

/* True when it is also what all rows up to the target give at the snapshot's moment, or all that
 * were delivered by then: what has changed in between, and is again as it was, was not published.
 */
static bool is_current(struct judge *judge, const struct judge_case *c,
                       const struct oracle_cut *cut, struct buf *expected, bool *shown)
{
    struct oracle_cut now = *cut;
    now.at = later(cut->at, c->snapshot_at);
    now.last = ORDER_NOT_DELIVERED - 1;
    if (is_right(judge, c, &now, expected, shown)) {
        return true;
    }
    now.last = greater(cut->last, c->delivery->target);
    return is_right(judge, c, &now, expected, shown);
}

/* The tile is right as of its position and moment (or nobody knows): is it still? */
static void judge_currency(struct judge *judge, const struct judge_case *c,
                           const struct oracle_cut *cut, bool right, struct judged *out)
{
    bool shown;
    const bool published_since = cut->last >= c->delivery->target && cut->at.us >= c->began.us;
    if (c->tile->stale && !c->allow_stale) {
        out->verdict = VERDICT_STALE;
    } else if ((right && (!c->delivery->sure || published_since)) ||
               is_current(judge, c, cut, &out->expected, &shown)) {
        out->verdict = VERDICT_EQUAL;
    } else if (c->members->tile->min_interval_ms >= c->patience_ms) {
        out->held = true;
        out->verdict = VERDICT_EQUAL;
    } else {
        out->verdict = shown ? VERDICT_BEHIND : VERDICT_SURPLUS;
    }
}

/* ---- Rows are gone ---- */

/* How many rows of the table were delivered with ordinals above `after` and up to `last`. */
static size_t rows_there(const struct judge_case *c, uint64_t after, uint64_t last)
{
    size_t count = 0;
    for (size_t i = 0; i < oracle_rows_count(c->members->rows); i++) {
        const uint64_t ordinal = c->delivery->ordinals[i];
        const bool *left_out = c->delivery->duplicates.left_out;
        count += ordinal > after && ordinal <= last && (left_out == NULL || !left_out[i]);
    }
    return count;
}

enum knowledge { ALL_THERE, SOME_GONE, ROWS_LACKING };

/* Whether the rows that came since the sample are those of the cut. */
static enum knowledge what_came(const struct judge_case *c, const struct oracle_cut *since,
                                const struct tally *came)
{
    const struct tally *before = &c->sample->tally;
    const struct tally *after = &c->tile->tally;
    if (!before->known || !after->known) {
        return order_count(c->delivery->order, since->after, since->last) ==
                       rows_there(c, since->after, since->last)
                   ? ALL_THERE
                   : SOME_GONE;
    }
    const uint64_t rows = after->rows - before->rows;
    if (rows == came->rows) {
        return after->digest - before->digest == came->digest ? ALL_THERE : ROWS_LACKING;
    }
    return rows > came->rows ? SOME_GONE : ROWS_LACKING;
}

static void take_sample(const struct judge_case *c)
{
    struct judge_sample *sample = c->sample;
    sample->begin = sample->taken ? sample->begin : position_of(c->tile);
    sample->taken = true;
    sample->position = position_of(c->tile);
    sample->as_of = c->tile->as_of;
    sample->tally = c->tile->tally;
    sample->generation = order_generation(c->delivery->order);
    buf_clear(&sample->value);
    buf_append_str(&sample->value, buf_str(&c->tile->value));
}

/* Judges how the tile has changed since it was sampled; its last value was taken as given. */
static void judge_change(struct judge *judge, const struct judge_case *c, struct judged *out)
{
    struct judge_sample *sample = c->sample;
    const struct oracle_cut since = {
        .ordinals = c->delivery->ordinals,
        .last = position_of(c->tile),
        .at = c->tile->as_of,
        .after = sample->position,
        .after_at = sample->as_of,
        .left_out = c->delivery->duplicates.left_out,
    };
    struct gone_change change = {
        .tile = c->members->tile, .before_at = sample->as_of, .after_at = c->tile->as_of};
    const struct tally came = oracle_tally(c->members, c->member, &since, &change.latest);
    const enum knowledge known = what_came(c, &since, &came);
    if (known == ROWS_LACKING) {
        say(out, VERDICT_LACKS,
            x_asprintf("lacks rows that came since position %llu",
                       (unsigned long long)sample->position));
        return;
    }
    if (known == SOME_GONE) {
        return;
    }
    struct buf value = {0};
    (void)oracle_tile(c->members, c->member, &since, &value);
    change.rows = came.rows;
    if (mp_parse(&judge->before, sample->value.data, sample->value.len) == STATUS_OK &&
        mp_parse(&judge->expected, value.data, value.len) == STATUS_OK) {
        change.before = &judge->before.root;
        change.came = &judge->expected.root;
        change.after = &judge->got.root;
        if (gone_change_is_right(&change)) {
            sample->followed = true;
            sample->rows += came.rows;
            take_sample(c);
        } else {
            say(out, VERDICT_DIFFERS,
                x_asprintf("has changed since position %llu in a way that the %llu rows since do "
                           "not explain",
                           (unsigned long long)sample->position, (unsigned long long)came.rows));
        }
    }
    buf_free(&value);
}

/* True for a tile that shows how many rows are in it. */
static bool counts_all_rows(const struct tile_config *tile)
{
    return tile->type == TILE_COUNT && tile->metric == NULL && tile->window_ms == 0;
}

static char *what_was_proved(const struct judge_case *c, uint64_t rows_left)
{
    const struct judge_sample *sample = c->sample;
    const struct oracle_cut since = {.ordinals = c->delivery->ordinals,
                                     .last = UINT64_MAX,
                                     .at = {INT64_MAX},
                                     .after = sample->position,
                                     .after_at = sample->as_of,
                                     .left_out = c->delivery->duplicates.left_out};
    struct buf text = {0};
    buf_printf(&text, "nothing in it contradicts the %llu rows that are left",
               (unsigned long long)rows_left);
    if (counts_all_rows(c->members->tile) && c->tile->tally.known) {
        buf_append_text(&text, "; it counts each row that it was made of");
    }
    if (sample->followed) {
        buf_printf(&text, "; from position %llu on it has changed as the %llu rows since say",
                   (unsigned long long)sample->begin, (unsigned long long)sample->rows);
    } else if (oracle_tally(c->members, c->member, &since, NULL).rows == 0) {
        buf_printf(&text, "; no row has come for it since position %llu",
                   (unsigned long long)sample->position);
    }
    (void)buf_cstr(&text);
    return buf_take(&text);
}

/* True when the tile counts rows, and some that it should have by now are not in it. */
static bool lacks_news(const struct judge_case *c, const struct oracle_cut *cut)
{
    const struct tile_config *tile = c->members->tile;
    struct oracle_cut news = *cut;
    news.after = cut->last;
    news.after_at = cut->at;
    news.last = greater(cut->last, c->delivery->target);
    news.at = later(cut->at, c->began);
    news.left_out = c->delivery->no_news;
    return counts_all_rows(tile) && tile->min_interval_ms < c->patience_ms && c->delivery->sure &&
           oracle_tally(c->members, c->member, &news, NULL).rows != 0;
}

static char *why_unprovable(const struct tally *tally, uint64_t rows_left)
{
    if (!tally->known) {
        return x_strdup("cannot be proved: which rows it was made of is not known, since its state "
                        "comes from an older version");
    }
    return x_asprintf("cannot be proved: of the %llu rows that it was made of %llu are gone",
                      (unsigned long long)tally->rows,
                      (unsigned long long)(tally->rows - rows_left));
}

/* The tile is not what the rows that are left give, and more were in it. */
static void judge_gone(struct judge *judge, const struct judge_case *c,
                       const struct oracle_cut *cut, struct judged *out)
{
    const struct gone_state state = {.tile = c->members->tile,
                                     .left = &judge->expected.root,
                                     .got = &judge->got.root,
                                     .rows_left = out->rows_left,
                                     .tally = c->tile->tally};
    if (!gone_explains(&state)) {
        say(out, VERDICT_DIFFERS,
            x_strdup("is not what the rows up to its position give, and no rows that are gone "
                     "explain that"));
        return;
    }
    say(out, VERDICT_UNPROVABLE, why_unprovable(&c->tile->tally, out->rows_left));
    const bool comparable =
        c->sample->taken && c->sample->generation == order_generation(c->delivery->order);
    const bool newer =
        position_of(c->tile) > c->sample->position || c->tile->as_of.us > c->sample->as_of.us;
    if (comparable && newer && c->tile->as_of.us >= c->sample->as_of.us) {
        judge_change(judge, c, out);
    } else if (!comparable) {
        c->sample->taken = false;
        c->sample->followed = false;
        c->sample->rows = 0;
        take_sample(c);
    }
    if (out->verdict == VERDICT_UNPROVABLE && lacks_news(c, cut)) {
        say(out, VERDICT_BEHIND, NULL);
    }
    if (out->verdict == VERDICT_UNPROVABLE) {
        out->open = !c->sample->followed;
        out->proved = what_was_proved(c, out->rows_left);
    }
}

/* ---- Duplicates ---- */

static size_t count_rows(const struct judge_case *c, const bool *which)
{
    size_t count = 0;
    for (size_t i = 0; which != NULL && i < c->member->count; i++) {
        count += which[c->member->picked[i]];
    }
    return count;
}

/* True when the tile may have other rows than those that the oracle took, or fewer: of several with
 * one name, which one was delivered first is not known of old ones, or it is gone. */
static bool twins_explain(const struct judge_case *c, const mp_value *value,
                          const struct tally *left)
{
    const struct oracle_duplicates *duplicates = &c->delivery->duplicates;
    const struct tally *tally = &c->tile->tally;
    bool complete = true;
    (void)mp_as_bool(mp_get(value, "complete"), &complete);
    if (!tally->known || tally->rows > left->rows) {
        return false;
    }
    const uint64_t lacking = left->rows - tally->rows;
    const size_t named = count_rows(c, duplicates->named);
    return lacking == 0 || !complete ? named != 0 && named >= lacking
                                     : lacking <= count_rows(c, duplicates->doubtful);
}

/* ---- One tile ---- */

/* The rows that are in the tile cannot be told apart from those that are not. */
static void judge_uncertain(struct judge *judge, const struct judge_case *c,
                            const struct oracle_cut *cut, struct judged *out)
{
    if (c->delivery->sure) { /* Its position is before all that the server knows. */
        judge_currency(judge, c, cut, false, out);
        return;
    }
    out->open = true;
    say(out, VERDICT_UNPROVABLE,
        x_strdup("cannot be proved: the ingestor of its lane does not say in which order it "
                 "delivered the rows; name it under cache.upstreams"));
}

static bool is_building(const mp_value *value)
{
    const mp_value *building = mp_get(value, "building");
    return building != NULL && mp_is_map(building);
}

void judge_tile(struct judge *judge, const struct judge_case *c, struct judged *out)
{
    struct oracle_cut cut;
    struct tally left;
    bool shown;
    const struct tally *tally = &c->tile->tally;
    if (mp_parse(&judge->got, c->tile->value.data, c->tile->value.len) != STATUS_OK) {
        out->verdict = VERDICT_DIFFERS;
        return;
    }
    if (is_building(&judge->got.root)) {
        say(out, VERDICT_BUILDING, x_strdup("cannot be proved: it is being built"));
        return;
    }
    const bool exact = choose_rows(c, &judge->got.root, &cut, &left);
    const bool certain = c->delivery->sure && position_of(c->tile) >= c->delivery->floor;
    const bool more = !tally->known || tally->rows > left.rows;
    const bool twins = !exact && twins_explain(c, &judge->got.root, &left);
    const size_t replaced = replaced_rows(c);
    out->rows_left = left.rows;
    const bool right = is_right(judge, c, &cut, &out->expected, &shown);
    if (!exact && replaced != 0) {
        say(out, VERDICT_LACKS,
            x_asprintf(
                "lacks rows that are there: their ids, %zu of them, were those of other rows "
                "when these were delivered",
                replaced));
    } else if (!exact && !more && certain && !twins) {
        say(out, VERDICT_LACKS,
            x_asprintf("lacks rows that are there: it was made of %llu rows, and %llu%s are there",
                       (unsigned long long)tally->rows, (unsigned long long)left.rows,
                       left.rows == tally->rows ? " others" : ""));
    } else if (right) {
        judge_currency(judge, c, &cut, true, out);
    } else if (exact) {
        out->verdict = shown ? VERDICT_DIFFERS : VERDICT_SURPLUS;
    } else if (more && c->delivery->sure) {
        judge_gone(judge, c, &cut, out);
    } else if (twins) {
        say(out, VERDICT_UNPROVABLE,
            x_strdup(
                "cannot be proved: of several rows with one id (source.dedupe), it is not known "
                "which one came first, or that one is gone"));
    } else {
        judge_uncertain(judge, c, &cut, out);
    }
}
