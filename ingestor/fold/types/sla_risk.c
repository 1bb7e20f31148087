/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sla_risk: open items by deadline, in four heaps. An item moves from one to the next as time
 * passes, and is in none when it is closed:
 *
 *   ok ─── due - at_risk <= now ───► at risk ─── due <= now ───► breached
 *
 * Each heap has the smallest due date on top. at_risk is the same for all items of a tile, so the
 * top is also the first to move on, and advance looks at no other. The worst items are those on top
 * of breached, then of at risk, then of ok.
 *
 * The fourth has the items whose clock stands still, which have no deadline: only rows move them.
 * Where a clock can stand still, or goes on when an item is opened again, each item has one
 * (sla_clock.h), by which its deadline is worked out anew with each row about it.
 *
 * With a calendar, `due - at_risk` is counted in its business time, which keeps the order: what is
 * due later is at risk no earlier. Counting walks over days, and each row asks when the first item
 * moves on, so the answer for the item that was on top last is kept.
 */
#include "ingestor/fold/match.h"
#include "ingestor/fold/types/items.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/opening.h"

enum risk { RISK_OK, RISK_AT_RISK, RISK_BREACHED, RISK_PAUSED, RISKS };

/* What an event type may mean, and what a row means: bits. A row both opens and closes, or pauses
 * and resumes, never. */
enum { OPENS = OPENING_OPENS, CLOSES = OPENING_CLOSES, PAUSES = 4, RESUMES = 8 };

struct sla {
    struct items items;
    struct heap by_risk[RISKS]; /* open items by deadline; at the same one, by the opening's id */
    int64_t now_us;             /* the moment that the heaps are right for */
    int64_t first_due_us;       /* the deadline that was on top of the ok ones last */
    int64_t first_risk_us;      /* when an item with that deadline comes to be at risk */
};

static bool examine(const struct tile_config *config, const char *metric_event,
                    struct str event_type, int *meaning)
{
    (void)opening_examine(config, metric_event, event_type, meaning);
    if (config->pausable) {
        *meaning |= (match_admits_type(&config->pauses, event_type) ? PAUSES : 0) |
                    (match_admits_type(&config->resumes, event_type) ? RESUMES : 0);
    }
    return *meaning != 0;
}

/* *says are the bits of what the row means. */
static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *says)
{
    char scratch[ROW_SCRATCH];
    struct str id;
    int bits = 0;
    if (opening_concerns(config, meaning, row, says)) {
        bits = says->value > 0 ? CLOSES : OPENS;
    }
    if ((meaning & PAUSES) != 0 && row_matches(row, &config->pauses, true)) {
        bits |= PAUSES;
    } else if ((meaning & RESUMES) != 0 && row_matches(row, &config->resumes, true)) {
        bits |= RESUMES;
    }
    *says = number_of_real(bits);
    return bits != 0 && row_text(row, &config->item, scratch, &id);
}

/* Of two openings whose ids are texts. */
static bool opened_before(const struct heap_item *a, const struct heap_item *b)
{
    const struct rank *x = &heap_const_entry(a, struct item, heap)->latest;
    const struct rank *y = &heap_const_entry(b, struct item, heap)->latest;
    return x->text != NULL && y->text != NULL && rank_id_is_before(x, y);
}

static void init(void *state, const struct tile_config *config, wall_time now)
{
    (void)config;
    struct sla *sla = state;
    sla->now_us = now.us;
    sla->first_due_us = INT64_MAX;
    sla->first_risk_us = INT64_MAX;
    for (int risk = 0; risk < RISKS; risk++) {
        sla->by_risk[risk].tie_before = opened_before;
    }
}

static void finish(void *state)
{
    struct sla *sla = state;
    items_finish(&sla->items);
    for (int risk = 0; risk < RISKS; risk++) {
        heap_free(&sla->by_risk[risk]);
    }
}

static int64_t saturating_sub(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_sub_overflow(a, b, &result) ? INT64_MIN : result;
}

/* When an item with that deadline comes to be at risk; INT64_MAX when it has no deadline. */
static int64_t risk_us(const struct tile_config *config, int64_t due_us)
{
    if (due_us == INT64_MAX) {
        return INT64_MAX;
    }
    return config->calendar != NULL
               ? business_before(config->calendar, due_us, config->at_risk_ms * US_PER_MS)
               : saturating_sub(due_us, config->at_risk_ms * US_PER_MS);
}

/* When the first of the ok items comes to be at risk; INT64_MAX when none does. */
static int64_t first_risk_us(const struct sla *sla, const struct tile_config *config)
{
    const struct heap_item *top = heap_top(&sla->by_risk[RISK_OK]);
    if (top == NULL) {
        return INT64_MAX;
    }
    return top->key == sla->first_due_us ? sla->first_risk_us : risk_us(config, top->key);
}

static void leave_heap(struct sla *sla, struct item *item)
{
    heap_remove(&sla->by_risk[item->risk], &item->heap);
}

static void place(struct sla *sla, const struct tile_config *config, struct item *item, bool paused)
{
    item->risk = paused                                         ? RISK_PAUSED
                 : item->due_us <= sla->now_us                  ? RISK_BREACHED
                 : risk_us(config, item->due_us) <= sla->now_us ? RISK_AT_RISK
                                                                : RISK_OK;
    /* Of an id that is a text the number is its place in its stream, which comes after the stream.
     */
    item->heap.tie = item->latest.text != NULL ? 0 : item->latest.number;
    heap_set(&sla->by_risk[item->risk], &item->heap, item->due_us);
}

static void enter_heap(struct sla *sla, const struct tile_config *config, struct item *item)
{
    bool paused = false;
    if (item->clock != NULL) {
        item->due_us = sla_clock_due(item->clock, config, &paused);
    }
    place(sla, config, item, paused);
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct sla *sla = state;
    if (now.us <= sla->now_us) {
        return false;
    }
    sla->now_us = now.us;
    bool changed = false;
    for (int risk = RISK_OK; risk < RISK_BREACHED; risk++) {
        struct heap_item *top;
        while ((top = heap_top(&sla->by_risk[risk])) != NULL) {
            int64_t moves_us = top->key;
            if (risk == RISK_OK) {
                moves_us = first_risk_us(sla, config);
                sla->first_due_us = top->key;
                sla->first_risk_us = moves_us;
            }
            if (moves_us > now.us) {
                break;
            }
            struct item *item = heap_entry(top, struct item, heap);
            leave_heap(sla, item);
            place(sla, config, item, false);
            changed = true;
        }
    }
    return changed;
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct sla *sla = state;
    const struct heap_item *at_risk = heap_top(&sla->by_risk[RISK_AT_RISK]);
    const int64_t a = first_risk_us(sla, config);
    const int64_t b = at_risk != NULL ? at_risk->key : INT64_MAX;
    return (wall_time){a < b ? a : b};
}

/* How long the item of an opening row has; 0 when none of the targets is for its priority. */
static int64_t within_ms(const struct tile_config *config, struct row *row)
{
    char scratch[ROW_SCRATCH];
    struct str priority;
    if (config->target_count == 0 || !row_text(row, &config->priority, scratch, &priority)) {
        return config->within_ms;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        if (str_glob(config->targets[i].priority, priority)) {
            return config->targets[i].within_ms;
        }
    }
    return 0;
}

/* The deadline that the row itself says; INT64_MAX when it says none. */
static int64_t due_in(const struct tile_config *config, struct row *row)
{
    wall_time due = WALL_NEVER;
    if (config->due.kind != TILE_FIELD_NONE) {
        (void)row_time(row, &config->due, config->local->zone, &due);
    }
    return due.us;
}

/* The deadline that the row gives its item; INT64_MAX when it gives none. */
static int64_t due_of(const struct tile_config *config, struct row *row)
{
    if (config->due.kind != TILE_FIELD_NONE) {
        return due_in(config, row);
    }
    const int64_t within_us = within_ms(config, row) * US_PER_MS;
    if (within_us == 0) {
        return INT64_MAX;
    }
    return config->calendar != NULL
               ? business_after(config->calendar, row->event->timestamp.us, within_us)
               : wall_add_us(row->event->timestamp, within_us).us;
}

/* True when the items of the tile have clocks. */
static bool has_clocks(const struct tile_config *config)
{
    return config->pausable || config->reopen == TILE_REOPEN_KEEP;
}

/* What the row, which may have made the item's state, does to its clock. An item that is opened
 * again is paused no more. */
static void move_clock(const struct tile_config *config, struct item *item, struct row *row,
                       int bits, bool decides)
{
    const bool keeps = config->reopen == TILE_REOPEN_KEEP;
    const struct event *event = row->event;
    item->clock = item->clock != NULL ? item->clock : sla_clock_create();
    if ((bits & OPENS) != 0 && (keeps ? sla_clock_is_later(item->clock, event) : decides)) {
        const bool counted = config->due.kind == TILE_FIELD_NONE;
        sla_clock_count_from(item->clock, event, counted ? within_ms(config, row) * US_PER_MS : 0,
                             due_in(config, row));
    }
    /* With a deadline that is renewed, only what comes after the last opening counts. */
    const bool counts =
        keeps || (decides ? (bits & CLOSES) == 0 : rank_is_before(&item->latest, event));
    const int marks = bits & (PAUSES | RESUMES);
    if (config->pausable && counts && (marks != 0 || (keeps && (bits & OPENS) != 0)) &&
        !sla_clock_mark(item->clock, event, marks == PAUSES)) {
        row->counters->pauses_dropped++;
    }
    if (!keeps && decides) {
        sla_clock_forget_before(item->clock, &item->latest);
        if ((bits & CLOSES) != 0 && item->clock->count == 0) {
            sla_clock_destroy(&item->clock);
        }
    }
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number says, wall_time now)
{
    (void)meaning;
    struct sla *sla = state;
    const bool moved = advance(state, config, now);
    const int bits = (int)says.value;
    const bool opens = (bits & OPENS) != 0;
    char scratch[ROW_SCRATCH];
    struct str id;
    if (!row_text(row, &config->item, scratch, &id)) {
        return moved;
    }
    struct item *item = items_find(&sla->items, id);
    if (opens && (item == NULL || item->state == TILE_STATE_CLOSED) &&
        sla->items.open >= ITEMS_OPEN_MAX) {
        row->counters->items_refused++;
        return moved;
    }
    if (item == NULL) {
        item = items_add(&sla->items, id, opens);
    }
    const bool decides =
        (bits & (OPENS | CLOSES)) != 0 && rank_is_before(&item->latest, row->event);
    if (!decides && !has_clocks(config)) {
        return moved;
    }
    items_touch(&sla->items, item);
    const bool was_open = item->state != TILE_STATE_CLOSED;
    const bool is_open = decides ? opens : was_open;
    leave_heap(sla, item);
    if (decides) {
        rank_set(&item->latest, row->event);
    }
    if (has_clocks(config)) {
        move_clock(config, item, row, bits, decides);
    } else if (opens) {
        item->due_us = due_of(config, row);
    }
    if (is_open) {
        enter_heap(sla, config, item);
    }
    items_set_state(&sla->items, item, is_open ? 0 : TILE_STATE_CLOSED);
    return moved || was_open || is_open;
}

/* The open items with the smallest deadlines, in that order; those without one are left out.
 * Returns how many there are. All deadlines in one heap lie before all in the next. */
static size_t worst(const struct sla *sla, const struct item *out[TILE_WORST_ITEMS])
{
    size_t count = 0;
    for (int risk = RISK_BREACHED; risk >= RISK_OK; risk--) {
        struct heap_item *top[TILE_WORST_ITEMS];
        const size_t found = heap_smallest(&sla->by_risk[risk], top, TILE_WORST_ITEMS - count);
        for (size_t i = 0; i < found && top[i]->key != INT64_MAX; i++) {
            out[count++] = heap_entry(top[i], struct item, heap);
        }
    }
    return count;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct sla *sla = state;
    static const char *const names[RISKS] = {"ok", "at_risk", "breached", "paused"};
    struct mp_open_map map = mp_open_map(out);
    for (int risk = 0; risk < (config->pausable ? RISKS : RISK_PAUSED); risk++) {
        mp_put_text(out, names[risk]);
        mp_put_uint(out, sla->by_risk[risk].count);
        map.count++;
    }
    const struct heap_item *first = heap_top(&sla->by_risk[RISK_AT_RISK]);
    if (first == NULL) {
        first = heap_top(&sla->by_risk[RISK_OK]);
    }
    if (first != NULL && first->key != INT64_MAX) {
        mp_put_text(out, "next_breach_at");
        items_put_time(out, first->key);
        map.count++;
    }
    const struct item *items[TILE_WORST_ITEMS];
    const size_t count = worst(sla, items);
    mp_put_text(out, "worst");
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_map(out, 2);
        mp_put_text(out, "id");
        mp_put_str(out, (struct str){items[i]->id, items[i]->id_len});
        mp_put_text(out, "due_at");
        items_put_time(out, items[i]->due_us);
    }
    map.count++;
    mp_close_map(out, map);
}

/* ---- Saving and loading. The items are all that there is to save: [id, latest_us, latest_id,
 * open, due_us, closing], and the clock of an item that has one ---- */

static struct items *items_of(void *state)
{
    struct sla *sla = state;
    return &sla->items;
}

static void save_item(const void *state, const struct item *item, struct buf *out)
{
    (void)state;
    mp_put_array(out, item->clock != NULL ? 7 : 6);
    mp_put_bin(out, (struct str){item->id, item->id_len});
    rank_save(&item->latest, out);
    mp_put_bool(out, item->state != TILE_STATE_CLOSED);
    mp_put_int(out, item->due_us);
    mp_put_uint(out, item->closing);
    if (item->clock != NULL) {
        sla_clock_save(item->clock, out);
    }
}

/* Fills an item that was just made. */
static bool fill_item(struct sla *sla, const struct tile_config *config, struct item *item,
                      const mp_value *saved)
{
    bool open;
    if (item == NULL || !rank_load(&item->latest, saved, 1) ||
        !mp_as_bool(mp_at(saved, 3), &open) || !mp_as_int(mp_at(saved, 4), &item->due_us)) {
        return false;
    }
    if (mp_count(saved) > 6 && (item->clock = sla_clock_load(mp_at(saved, 6))) == NULL) {
        return false;
    }
    if (open) {
        enter_heap(sla, config, item);
        items_set_state(&sla->items, item, 0);
    }
    return true;
}

static bool load_item(void *state, const struct tile_config *config, uint64_t number,
                      const mp_value *saved)
{
    struct sla *sla = state;
    struct str id;
    uint64_t closing;
    return mp_as_bin(mp_at(saved, 0), &id) && mp_as_uint(mp_at(saved, 5), &closing) &&
           fill_item(sla, config, items_load(&sla->items, id, number, closing), saved);
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct sla *sla = state;
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        struct str id;
        if (!mp_as_bin(mp_at(saved, 0), &id) || items_find(&sla->items, id) != NULL ||
            !fill_item(sla, config, items_add(&sla->items, id, false), saved)) {
            return false;
        }
    }
    return mp_is_array(value) || mp_is_nil(value);
}

const struct fold_type fold_type_sla_risk = {
    .size = sizeof(struct sla),
    .init = init,
    .finish = finish,
    .examine = examine,
    .concerns = concerns,
    .apply = apply,
    .advance = advance,
    .next = next,
    .write = write_data,
    .save = items_save_nothing,
    .load = load,
    .items = items_of,
    .save_item = save_item,
    .load_item = load_item,
};
