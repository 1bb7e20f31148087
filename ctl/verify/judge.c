/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/judge.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/status.h"
#include "ctl/verify/diff.h"
#include "ctl/verify/gone_read.h"
#include "ctl/verify/judge_gone.h"
#include "ctl/verify/truncated.h"

struct judge {
    struct judge_docs docs;
    struct buf shortened; /* used within equal() only */
};

struct judge *judge_create(void)
{
    struct judge *judge = x_calloc(1, sizeof *judge);
    mp_doc_init(&judge->docs.expected);
    mp_doc_init(&judge->docs.got);
    mp_doc_init(&judge->docs.before);
    return judge;
}

void judge_destroy(struct judge **judge_p)
{
    struct judge *judge = *judge_p;
    if (judge != NULL) {
        mp_doc_free(&judge->docs.expected);
        mp_doc_free(&judge->docs.got);
        mp_doc_free(&judge->docs.before);
        buf_free(&judge->shortened);
        free(judge);
        *judge_p = NULL;
    }
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

/* judge->docs.got has been parsed; what is expected is parsed here. */
static bool equal(struct judge *judge, const struct judge_case *c, const struct buf *expected)
{
    bool differs = false;
    if (mp_parse(&judge->docs.expected, expected->data, expected->len) != STATUS_OK) {
        return false;
    }
    const mp_value *left_out = mp_get(&judge->docs.got.root, "truncated");
    if (mp_is_array(left_out) &&
        expected->len > oracle_rows_config(c->members->rows)->ingestor.limits.tile_bytes) {
        buf_clear(&judge->shortened);
        truncated_expect(&judge->shortened, &judge->docs.expected.root, left_out);
        (void)mp_parse(&judge->docs.expected, judge->shortened.data, judge->shortened.len);
    }
    diff_values(&judge->docs.expected.root, &judge->docs.got.root, VERIFY_TOLERANCE,
                note_difference, &differs);
    return !differs;
}

/* True when the tile is no other than what was expected but in its data, which may be that. */
static bool allowed(const struct judge *judge, const struct judge_case *c,
                    const struct oracle_cut *cut)
{
    const mp_value *got = &judge->docs.got.root;
    return mp_get(got, "truncated") == NULL &&
           gone_read_same_frame(&judge->docs.expected.root, got) &&
           oracle_tile_allows(c->members, c->member, cut, gone_read_data(got));
}

/* True when the tile is what the rows of that cut give. What they give is then in `expected`. */
static bool is_right(struct judge *judge, const struct judge_case *c, const struct oracle_cut *cut,
                     struct buf *expected, bool *shown)
{
    buf_clear(expected);
    *shown = oracle_tile(c->members, c->member, cut, expected);
    const bool same = equal(judge, c, expected);
    return *shown && (same || allowed(judge, c, cut));
}

/* ---- Which rows ---- */

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
        .last = judge_greater(judge_position(c->tile), delivery->floor),
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
    now.at = judge_later(cut->at, c->snapshot_at);
    now.last = ORDER_NOT_DELIVERED - 1;
    if (is_right(judge, c, &now, expected, shown)) {
        return true;
    }
    now.last = judge_greater(cut->last, c->delivery->target);
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

/* ---- Its status ---- */

/* The data of a tile is right: is its status, as of its moment and still when it has to be? */
static void judge_status(const struct judge *judge, const struct judge_case *c,
                         const struct oracle_cut *cut, struct judged *out)
{
    const mp_value *got = &judge->docs.got.root;
    struct oracle_status_rows rows = {.known = out->verdict == VERDICT_EQUAL};
    (void)oracle_tally(c->members, c->member, cut, &rows.latest);
    char *fault = oracle_status_fault(c->members->tile, got, c->tile->as_of, &rows);
    if (fault != NULL) {
        judge_say(out, VERDICT_DIFFERS, fault);
        return;
    }
    if (out->verdict != VERDICT_EQUAL || out->held || c->began.us <= c->tile->as_of.us) {
        return;
    }
    fault = oracle_status_fault(c->members->tile, got, c->began, &rows);
    if (fault != NULL) {
        judge_say(out, VERDICT_BEHIND, fault);
    }
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
    judge_say(out, VERDICT_UNPROVABLE,
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
    if (mp_parse(&judge->docs.got, c->tile->value.data, c->tile->value.len) != STATUS_OK) {
        out->verdict = VERDICT_DIFFERS;
        return;
    }
    if (is_building(&judge->docs.got.root)) {
        judge_say(out, VERDICT_BUILDING, x_strdup("cannot be proved: it is being built"));
        return;
    }
    const bool exact = choose_rows(c, &judge->docs.got.root, &cut, &left);
    const bool certain = c->delivery->sure && judge_position(c->tile) >= c->delivery->floor;
    const bool more = !tally->known || tally->rows > left.rows;
    const bool twins = !exact && twins_explain(c, &judge->docs.got.root, &left);
    const size_t replaced = replaced_rows(c);
    out->rows_left = left.rows;
    const bool right = is_right(judge, c, &cut, &out->expected, &shown);
    if (!exact && replaced != 0) {
        judge_say(out, VERDICT_LACKS,
                  x_asprintf(
                      "lacks rows that are there: their ids, %zu of them, were those of other rows "
                      "when these were delivered",
                      replaced));
    } else if (!exact && !more && certain && !twins) {
        judge_say(
            out, VERDICT_LACKS,
            x_asprintf("lacks rows that are there: it was made of %llu rows, and %llu%s are there",
                       (unsigned long long)tally->rows, (unsigned long long)left.rows,
                       left.rows == tally->rows ? " others" : ""));
    } else if (right) {
        judge_currency(judge, c, &cut, true, out);
    } else if (exact) {
        out->verdict = shown ? VERDICT_DIFFERS : VERDICT_SURPLUS;
    } else if (more && c->delivery->sure) {
        judge_gone(&judge->docs, c, &cut, out);
    } else if (twins) {
        judge_say(
            out, VERDICT_UNPROVABLE,
            x_strdup(
                "cannot be proved: of several rows with one id (source.dedupe), it is not known "
                "which one came first, or that one is gone"));
    } else {
        judge_uncertain(judge, c, &cut, out);
    }
    if (out->verdict == VERDICT_EQUAL || out->verdict == VERDICT_UNPROVABLE) {
        judge_status(judge, c, &cut, out);
    }
}
