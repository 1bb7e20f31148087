/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/judge_gone.h"

#include "common/base/xalloc.h"
#include "ctl/verify/gone.h"
#include "ctl/verify/gone_change.h"

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
    sample->begin = sample->taken ? sample->begin : judge_position(c->tile);
    sample->taken = true;
    sample->position = judge_position(c->tile);
    sample->as_of = c->tile->as_of;
    sample->tally = c->tile->tally;
    sample->generation = order_generation(c->delivery->order);
    buf_clear(&sample->value);
    buf_append_str(&sample->value, buf_str(&c->tile->value));
}

/* Judges how the tile has changed since it was sampled; its last value was taken as given. */
static void judge_change(struct judge_docs *docs, const struct judge_case *c, struct judged *out)
{
    struct judge_sample *sample = c->sample;
    const struct oracle_cut since = {
        .ordinals = c->delivery->ordinals,
        .last = judge_position(c->tile),
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
        judge_say(out, VERDICT_LACKS,
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
    if (mp_parse(&docs->before, sample->value.data, sample->value.len) == STATUS_OK &&
        mp_parse(&docs->expected, value.data, value.len) == STATUS_OK) {
        change.before = &docs->before.root;
        change.came = &docs->expected.root;
        change.after = &docs->got.root;
        if (gone_change_is_right(&change)) {
            sample->followed = true;
            sample->rows += came.rows;
            take_sample(c);
        } else {
            judge_say(
                out, VERDICT_DIFFERS,
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
    news.last = judge_greater(cut->last, c->delivery->target);
    news.at = judge_later(cut->at, c->began);
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
void judge_gone(struct judge_docs *docs, const struct judge_case *c, const struct oracle_cut *cut,
                struct judged *out)
{
    const struct gone_state state = {.tile = c->members->tile,
                                     .left = &docs->expected.root,
                                     .got = &docs->got.root,
                                     .rows_left = out->rows_left,
                                     .tally = c->tile->tally};
    if (!gone_explains(&state)) {
        judge_say(
            out, VERDICT_DIFFERS,
            x_strdup("is not what the rows up to its position give, and no rows that are gone "
                     "explain that"));
        return;
    }
    judge_say(out, VERDICT_UNPROVABLE, why_unprovable(&c->tile->tally, out->rows_left));
    const bool comparable =
        c->sample->taken && c->sample->generation == order_generation(c->delivery->order);
    const bool newer =
        judge_position(c->tile) > c->sample->position || c->tile->as_of.us > c->sample->as_of.us;
    if (comparable && newer && c->tile->as_of.us >= c->sample->as_of.us) {
        judge_change(docs, c, out);
    } else if (!comparable) {
        c->sample->taken = false;
        c->sample->followed = false;
        c->sample->rows = 0;
        take_sample(c);
    }
    if (out->verdict == VERDICT_UNPROVABLE && lacks_news(c, cut)) {
        judge_say(out, VERDICT_BEHIND, NULL);
    }
    if (out->verdict == VERDICT_UNPROVABLE) {
        out->open = !c->sample->followed;
        out->proved = what_was_proved(c, out->rows_left);
    }
}
