/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratio: how many rows match `match`, as a percentage of how many match `of`: ever, in a sliding
 * window, or in a period of the calendar so far. A row may go into one of them, or into both.
 *
 * Memory: at most 602 slots of 16 bytes.
 *
 * Saved as [part, whole]: two windows, or two numbers of rows.
 */
#include "ingestor/fold/match.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/span.h"

/* Into which of the two a row goes: bits of a meaning, and of what concerns gives to apply. */
enum { INTO_PART = 1, INTO_WHOLE = 2 };

enum { PART, WHOLE, SIDES };

/* Which member means something depends on the definition: windows with a window, else ever. */
struct ratio {
    uint64_t ever[SIDES]; /* rows of the part, and of the whole */
    struct window windows[SIDES];
};

static void init(void *state, const struct tile_config *config, wall_time now)
{
    struct ratio *ratio = state;
    for (size_t i = 0; i < SIDES && span_given(config); i++) {
        span_init(&ratio->windows[i], config, TILE_AGGREGATE_COUNT, now);
    }
}

static void finish(void *state)
{
    struct ratio *ratio = state;
    for (size_t i = 0; i < SIDES; i++) {
        window_finish(&ratio->windows[i]);
    }
}

static bool examine(const struct tile_config *config, const char *metric_event,
                    struct str event_type, int *meaning)
{
    (void)metric_event;
    *meaning = (match_admits_type(&config->match, event_type) ? INTO_PART : 0) +
               (match_admits_type(&config->of, event_type) ? INTO_WHOLE : 0);
    return *meaning != 0;
}

static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *value)
{
    unsigned into = (unsigned)meaning;
    if ((into & INTO_PART) != 0 && !row_matches(row, &config->match, true)) {
        into &= ~(unsigned)INTO_PART;
    }
    if ((into & INTO_WHOLE) != 0 && !row_matches(row, &config->of, true)) {
        into &= ~(unsigned)INTO_WHOLE;
    }
    *value = number_of_real(into);
    return into != 0;
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    struct ratio *ratio = state;
    const unsigned into = (unsigned)value.value;
    bool changed = false;
    for (size_t i = 0; i < SIDES; i++) {
        const bool goes = (into & (i == PART ? INTO_PART : INTO_WHOLE)) != 0;
        if (!span_given(config)) {
            ratio->ever[i] += goes;
            changed = true;
            continue;
        }
        changed |= window_advance(&ratio->windows[i], now);
        changed |= goes && window_add(&ratio->windows[i], row->event, number_of_real(0));
    }
    return changed;
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct ratio *ratio = state;
    bool changed = false;
    for (size_t i = 0; i < SIDES && span_given(config); i++) {
        changed |= window_advance(&ratio->windows[i], now);
    }
    return changed;
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct ratio *ratio = state;
    if (!span_given(config)) {
        return WALL_NEVER;
    }
    const wall_time part = window_next(&ratio->windows[PART]);
    const wall_time whole = window_next(&ratio->windows[WHOLE]);
    return part.us < whole.us ? part : whole;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct ratio *ratio = state;
    const bool spans = span_given(config);
    const uint64_t part = spans ? ratio->windows[PART].total : ratio->ever[PART];
    const uint64_t whole = spans ? ratio->windows[WHOLE].total : ratio->ever[WHOLE];
    struct mp_open_map map = mp_open_map(out);
    if (whole != 0) {
        mp_put_text(out, "value");
        mp_put_number(out, 100.0 * (double)part / (double)whole);
        map.count++;
    }
    mp_put_text(out, "part");
    mp_put_uint(out, part);
    mp_put_text(out, "whole");
    mp_put_uint(out, whole);
    mp_put_text(out, "unit");
    mp_put_text(out, "%");
    map.count += 3;
    map.count += span_write(&ratio->windows[WHOLE], config, out);
    mp_close_map(out, map);
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct ratio *ratio = state;
    mp_put_array(out, SIDES);
    for (size_t i = 0; i < SIDES; i++) {
        if (span_given(config)) {
            window_save(&ratio->windows[i], out);
        } else {
            mp_put_uint(out, ratio->ever[i]);
        }
    }
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct ratio *ratio = state;
    for (size_t i = 0; i < SIDES; i++) {
        const mp_value *side = mp_at(value, i);
        if (side == NULL || !(span_given(config) ? window_load(&ratio->windows[i], side)
                                                 : mp_as_uint(side, &ratio->ever[i]))) {
            return false;
        }
    }
    return true;
}

const struct fold_type fold_type_ratio = {
    .size = sizeof(struct ratio),
    .init = init,
    .finish = finish,
    .examine = examine,
    .concerns = concerns,
    .apply = apply,
    .advance = advance,
    .next = next,
    .write = write_data,
    .save = save,
    .load = load,
    .forgets = span_given,
};
