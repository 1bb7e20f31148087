/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/oracle.h"

#include <stdlib.h>

#include "common/base/table.h"

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/wire/wire.h"
#include "ctl/oracle/types.h"

/* ---- Which rows ---- */

char *oracle_key(const struct tile_config *tile, struct str group)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    struct buf key = {0};
    buf_append_text(&key, tile->key);
    if (group.p != NULL) {
        buf_append_char(&key, '/');
        for (size_t i = 0; i < group.len; i++) {
            if (group.p[i] != '\0' && strchr(plain, group.p[i]) != NULL) {
                buf_append_char(&key, group.p[i]);
            } else {
                buf_printf(&key, "%%%02X", (unsigned)(unsigned char)group.p[i]);
            }
        }
    }
    (void)buf_cstr(&key);
    return buf_take(&key);
}

static struct oracle_member *add_member(struct oracle_members *members, struct str group)
{
    if ((members->count & (members->count - 1)) == 0) { /* The list is full at each power of two. */
        const size_t cap = members->count != 0 ? 2 * members->count : 1;
        members->list = x_reallocarray(members->list, cap, sizeof *members->list);
    }
    struct oracle_member *member = &members->list[members->count++];
    *member = (struct oracle_member){.key = oracle_key(members->tile, group), .group = group};
    return member;
}

static void pick(struct oracle_member *member, size_t row)
{
    if (member->count == member->cap) {
        member->cap = member->cap != 0 ? 2 * member->cap : 8;
        member->picked = x_reallocarray(member->picked, member->cap, sizeof *member->picked);
    }
    member->picked[member->count++] = (uint32_t)row;
}

/* Says where in the list the member of a group is. */
struct place {
    uint32_t group; /* index of the value as text */
    size_t at;
    UT_hash_handle hh;
};

/* A key has a greatest length, so a group whose key might be longer makes no member. */
static bool key_fits(const struct tile_config *tile, struct str group)
{
    return strlen(tile->key) + strlen("/") + strlen("%XX") * group.len <= WIRE_KEY_MAX;
}

static void select_groups(struct oracle_members *members)
{
    const struct oracle_rows *rows = members->rows;
    const size_t field = oracle_field(rows, &members->tile->group_by);
    struct place *places = NULL;
    for (size_t row = 0; row < oracle_rows_count(rows); row++) {
        const struct oracle_value *value = oracle_value(rows, oracle_cell(rows, row, field));
        if (value->kind == ORACLE_ABSENT || !key_fits(members->tile, value->text) ||
            !oracle_concerns(rows, row, members->tile)) {
            continue;
        }
        const uint32_t group = value->as_text;
        struct place *place;
        HASH_FIND(hh, places, &group, sizeof group, place);
        if (place == NULL) {
            place = x_calloc(1, sizeof *place);
            place->group = group;
            place->at = members->count;
            (void)add_member(members, value->text);
            HASH_ADD(hh, places, group, sizeof place->group, place);
        }
        pick(&members->list[place->at], row);
    }
    struct place *place;
    struct place *next;
    HASH_ITER(hh, places, place, next)
    {
        HASH_DEL(places, place);
        free(place);
    }
    members->over_limit = members->count > members->tile->max_groups;
}

static struct oracle_selection selection(const struct oracle_members *members,
                                         const struct oracle_member *member)
{
    return (struct oracle_selection){members->rows, members->tile, member->picked, member->count};
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct oracle_member *)a)->key, ((const struct oracle_member *)b)->key);
}

void oracle_select(const struct oracle_rows *rows, const struct tile_config *tile,
                   struct oracle_members *out)
{
    const struct oracle_type *type = oracle_type_of(tile->type);
    *out = (struct oracle_members){.rows = rows, .tile = tile};
    if (tile->group_by.kind != TILE_FIELD_NONE) {
        select_groups(out);
    } else {
        struct oracle_member *single = add_member(out, STR_NULL);
        for (size_t row = 0; row < oracle_rows_count(rows); row++) {
            if (oracle_concerns(rows, row, tile)) {
                pick(single, row);
            }
        }
    }
    for (size_t i = 0; i < out->count && !out->over_limit; i++) {
        const struct oracle_selection s = selection(out, &out->list[i]);
        out->over_limit = type->is_undetermined != NULL && type->is_undetermined(&s);
    }
    if (out->count > 1) {
        qsort(out->list, out->count, sizeof *out->list, by_key);
    }
}

void oracle_members_free(struct oracle_members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        free(members->list[i].key);
        free(members->list[i].picked);
    }
    free(members->list);
    *members = (struct oracle_members){0};
}

/* ---- The value ---- */

static bool is_shown(const struct oracle_selection *s, wall_time at)
{
    if (s->tile->group_by.kind == TILE_FIELD_NONE) {
        return true;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (at.us - oracle_row_us(s->rows, s->picked[i]) < s->tile->idle_ms * US_PER_MS) {
            return true;
        }
    }
    return false;
}

/* Texts that a tile's `display` has if the file gives them. */
static void put_display(const struct tile_config *tile, struct buf *out)
{
    const struct tile_display *display = &tile->display;
    const char *const texts[][2] = {
        {"group", display->group},
        {"unit", tile->unit},
        {"format",
         display->format != TILE_FORMAT_NUMBER ? tile_format_name(display->format) : NULL},
        {"link", display->link},
        {"item_link", display->item_link},
        {"annotations", display->annotations},
    };
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "order");
    mp_put_uint(out, display->order);
    map.count++;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i][1] != NULL) {
            mp_put_text(out, texts[i][0]);
            mp_put_text(out, texts[i][1]);
            map.count++;
        }
    }
    if (display->has_decimals) {
        mp_put_text(out, "decimals");
        mp_put_uint(out, display->decimals);
        map.count++;
    }
    mp_close_map(out, map);
}

static void put_value(const struct oracle_selection *s, struct str group, wall_time at,
                      struct buf *out)
{
    const struct tile_config *tile = s->tile;
    mp_put_map(out, group.p != NULL ? 6 : 5);
    mp_put_text(out, "type");
    mp_put_text(out, tile_type_name(tile->type));
    mp_put_text(out, "title");
    mp_put_text(out, tile->title);
    mp_put_text(out, "refresh");
    mp_put_map(out, 2);
    mp_put_text(out, "policy");
    mp_put_text(out, tile_refresh_policy_name(tile->refresh));
    mp_put_text(out, "min_interval_ms");
    mp_put_int(out, tile->min_interval_ms);
    mp_put_text(out, "display");
    put_display(tile, out);
    if (group.p != NULL) {
        mp_put_text(out, "group");
        mp_put_map(out, 2);
        mp_put_text(out, "by");
        mp_put_text(out, tile->group_by.text);
        mp_put_text(out, "value");
        mp_put_str(out, group);
    }
    mp_put_text(out, "data");
    oracle_type_of(tile->type)->put_data(s, at, out);
}

static bool counts(const struct oracle_rows *rows, size_t row, const struct oracle_cut *cut)
{
    const uint64_t ordinal = cut->ordinals[row];
    const int64_t us = oracle_row_us(rows, row);
    if (ordinal > cut->last || us > cut->at.us || (cut->left_out != NULL && cut->left_out[row])) {
        return false;
    }
    if (ordinal == 0 && oracle_row_id(rows, row) < cut->since_id) {
        return false;
    }
    return cut->after == 0 || ordinal > cut->after || us > cut->after_at.us;
}

/* Of the selection's rows, those that count. The caller frees *memory. */
static struct oracle_selection select_counting(struct oracle_selection s,
                                               const struct oracle_cut *cut, uint32_t **memory)
{
    uint32_t *picked = x_calloc(s.count + 1, sizeof *picked);
    size_t count = 0;
    for (size_t i = 0; i < s.count; i++) {
        if (counts(s.rows, s.picked[i], cut)) {
            picked[count++] = s.picked[i];
        }
    }
    *memory = picked;
    s.picked = picked;
    s.count = count;
    return s;
}

bool oracle_tile(const struct oracle_members *members, const struct oracle_member *member,
                 const struct oracle_cut *cut, struct buf *out)
{
    uint32_t *picked;
    const struct oracle_selection s = select_counting(selection(members, member), cut, &picked);
    const bool shown = is_shown(&s, cut->at);
    put_value(&s, member->group, cut->at, out);
    free(picked);
    return shown;
}

bool oracle_tile_allows(const struct oracle_members *members, const struct oracle_member *member,
                        const struct oracle_cut *cut, const mp_value *data)
{
    const struct oracle_type *type = oracle_type_of(members->tile->type);
    if (type->allows == NULL) {
        return false;
    }
    uint32_t *picked;
    const struct oracle_selection s = select_counting(selection(members, member), cut, &picked);
    const bool allowed = is_shown(&s, cut->at) && type->allows(&s, cut->at, data);
    free(picked);
    return allowed;
}

struct tally oracle_tally(const struct oracle_members *members, const struct oracle_member *member,
                          const struct oracle_cut *cut, wall_time *latest)
{
    const struct oracle_rows *rows = members->rows;
    const size_t type = oracle_field(rows, &oracle_field_type);
    struct tally tally = {.known = true};
    int64_t latest_us = INT64_MIN;
    for (size_t i = 0; i < member->count; i++) {
        const size_t row = member->picked[i];
        if (counts(rows, row, cut)) {
            const wall_time time = {oracle_row_us(rows, row)};
            tally_add(&tally, tally_of_row(oracle_row_key(rows, row), time,
                                           oracle_value(rows, oracle_cell(rows, row, type))->text));
            latest_us = time.us > latest_us ? time.us : latest_us;
        }
    }
    if (latest != NULL) {
        latest->us = latest_us;
    }
    return tally;
}
