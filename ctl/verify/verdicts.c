/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verdicts.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/wire/lane.h"
#include "ctl/verify/diff.h"
#include "ctl/verify/truncated.h"

/* A key whose tile is settled. */
struct settled {
    bool served; /* False when there rightly is no tile. */
    UT_hash_handle by_key;
    char key[];
};

struct verdicts {
    struct settled *settled; /* uthash by key */

    /* For each definition, true when all its members are settled. NULL before the first
     * comparison. */
    bool *done;
    size_t equal; /* how many tiles are settled and served */
    size_t held;  /* how many of these hold newer changes back */
    struct verdict_finding *findings;
    size_t count; /* of findings */
    const struct tile_config **skipped;
    size_t skipped_count;
    struct mp_doc expected_doc; /* used within equal() only */
    struct mp_doc got_doc;      /* used within equal() only */
    struct buf shortened;       /* used within equal() only */
};

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_EQUAL] = "equal",     [VERDICT_DIFFERS] = "differs", [VERDICT_BEHIND] = "behind",
        [VERDICT_MISSING] = "missing", [VERDICT_SURPLUS] = "surplus", [VERDICT_STALE] = "stale",
    };
    return names[verdict];
}

struct verdicts *verdicts_create(void)
{
    struct verdicts *verdicts = x_calloc(1, sizeof *verdicts);
    mp_doc_init(&verdicts->expected_doc);
    mp_doc_init(&verdicts->got_doc);
    return verdicts;
}

static void forget_findings(struct verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        free(verdicts->findings[i].key);
        buf_free(&verdicts->findings[i].expected);
        buf_free(&verdicts->findings[i].got);
    }
    verdicts->count = 0;
}

void verdicts_destroy(struct verdicts **verdicts_p)
{
    struct verdicts *verdicts = *verdicts_p;
    if (verdicts == NULL) {
        return;
    }
    struct settled *settled;
    struct settled *next;
    HASH_ITER(by_key, verdicts->settled, settled, next)
    {
        HASH_DELETE(by_key, verdicts->settled, settled);
        free(settled);
    }
    forget_findings(verdicts);
    free(verdicts->findings);
    free(verdicts->done);
    free(verdicts->skipped);
    mp_doc_free(&verdicts->expected_doc);
    mp_doc_free(&verdicts->got_doc);
    buf_free(&verdicts->shortened);
    free(verdicts);
    *verdicts_p = NULL;
}

static bool is_settled(const struct verdicts *verdicts, const char *key)
{
    struct settled *settled;
    HASH_FIND(by_key, verdicts->settled, key, strlen(key), settled);
    return settled != NULL;
}

static void settle(struct verdicts *verdicts, const char *key, bool served)
{
    struct settled *settled = x_calloc(1, sizeof *settled + strlen(key) + 1);
    memcpy(settled->key, key, strlen(key));
    settled->served = served;
    HASH_ADD_KEYPTR(by_key, verdicts->settled, settled->key, strlen(key), settled);
    verdicts->equal += served;
}

/* ---- Findings ---- */

/* Notes a finding. tile is NULL when it is not served; expected is NULL when nothing is expected.
 */
static void find(struct verdicts *verdicts, const struct verdict_comparison *c, const char *key,
                 enum verdict verdict, const struct served_tile *tile, const struct buf *expected)
{
    verdicts->findings =
        x_reallocarray(verdicts->findings, verdicts->count + 1, sizeof *verdicts->findings);
    struct verdict_finding *finding = &verdicts->findings[verdicts->count++];
    *finding = (struct verdict_finding){.key = x_strdup(key), .verdict = verdict};
    memcpy(finding->position, tile != NULL ? tile->position : c->served->position,
           sizeof finding->position);
    finding->as_of = tile != NULL ? tile->as_of : c->served->as_of;
    if (expected != NULL) {
        buf_append_str(&finding->expected, buf_str(expected));
    }
    if (tile != NULL) {
        buf_append_str(&finding->got, buf_str(&tile->value));
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct verdict_finding *)a)->key,
                  ((const struct verdict_finding *)b)->key);
}

/* ---- Comparing ---- */

static void note_difference(void *arg, const char *path, const mp_value *expected,
                            const mp_value *got)
{
    (void)path;
    (void)expected;
    (void)got;
    *(bool *)arg = true;
}

static bool equal(struct verdicts *verdicts, const struct verdict_comparison *c,
                  const struct buf *expected, const struct buf *got)
{
    bool differs = false;
    if (mp_parse(&verdicts->expected_doc, expected->data, expected->len) != STATUS_OK ||
        mp_parse(&verdicts->got_doc, got->data, got->len) != STATUS_OK) {
        return false;
    }
    const mp_value *left_out = mp_get(&verdicts->got_doc.root, "truncated");
    if (mp_is_array(left_out) &&
        expected->len > oracle_rows_config(c->rows)->ingestor.limits.tile_bytes) {
        buf_clear(&verdicts->shortened);
        truncated_expect(&verdicts->shortened, &verdicts->expected_doc.root, left_out);
        (void)mp_parse(&verdicts->expected_doc, verdicts->shortened.data, verdicts->shortened.len);
    }
    diff_values(&verdicts->expected_doc.root, &verdicts->got_doc.root, VERIFY_TOLERANCE,
                note_difference, &differs);
    return !differs;
}

/* Returns the id of the last row that is in the tile, by its position. */
static int64_t last_row(const struct verdict_comparison *c, const char *position)
{
    /* With an offset, rows were delivered late, and which rows a position stands for cannot be told
     * from their ids any more. Once all have been delivered, a tile is right for all of them. */
    const unsigned long long last = strtoull(position, NULL, 10);
    return c->offset == 0 && last < INT64_MAX ? (int64_t)last : INT64_MAX;
}

/* Judges a tile as of its own position and time, and, if these are before the target and the
 * snapshot, as of those, too. */
static enum verdict judge(struct verdicts *verdicts, const struct verdict_comparison *c,
                          const struct oracle_members *members, const struct oracle_member *member,
                          const struct served_tile *tile, struct buf *expected)
{
    const int64_t last = last_row(c, tile->position);
    if (!oracle_tile(members, member, last, tile->as_of, expected)) {
        return VERDICT_SURPLUS;
    }
    if (!equal(verdicts, c, expected, &tile->value)) {
        return VERDICT_DIFFERS;
    }
    if (tile->stale && !c->allow_stale) {
        return VERDICT_STALE;
    }
    if (last >= c->target && tile->as_of.us >= c->served->as_of.us) {
        return VERDICT_EQUAL;
    }
    const wall_time now = tile->as_of.us > c->served->as_of.us ? tile->as_of : c->served->as_of;
    buf_clear(expected);
    if (!oracle_tile(members, member, last > c->target ? last : c->target, now, expected)) {
        return VERDICT_SURPLUS;
    }
    if (equal(verdicts, c, expected, &tile->value)) {
        return VERDICT_EQUAL;
    }
    if (members->tile->min_interval_ms >= c->patience_ms) {
        verdicts->held++;
        return VERDICT_EQUAL;
    }
    return VERDICT_BEHIND;
}

static void compare_member(struct verdicts *verdicts, const struct verdict_comparison *c,
                           const struct oracle_members *members, const struct oracle_member *member)
{
    struct buf expected = {0};
    const struct served_tile *tile = served_find(c->served, member->key);
    enum verdict verdict = VERDICT_EQUAL;
    if (tile != NULL) {
        verdict = judge(verdicts, c, members, member, tile, &expected);
    } else if (oracle_tile(members, member, c->target, c->served->as_of, &expected)) {
        verdict = VERDICT_MISSING;
    }
    if (verdict == VERDICT_EQUAL) {
        settle(verdicts, member->key, tile != NULL);
    } else {
        const bool explained = verdict != VERDICT_SURPLUS && verdict != VERDICT_STALE;
        find(verdicts, c, member->key, verdict, tile, explained ? &expected : NULL);
    }
    buf_free(&expected);
}

static bool is_served_here(const struct verdict_comparison *c, const struct tile_config *tile)
{
    return (c->served->lanes >> lane_of_key(str_of(tile->key), c->served->lane_count) & 1) != 0;
}

static bool knows(const struct oracle_members *members, const char *key)
{
    for (size_t low = 0, high = members->count; low < high;) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(members->list[middle].key, key);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* Finds members that are served though no row makes them. */
static void find_surplus(struct verdicts *verdicts, const struct verdict_comparison *c,
                         const struct oracle_members *members)
{
    const char *key = members->tile->key;
    const size_t len = strlen(key);
    for (const struct served_tile *tile = c->served->tiles; tile != NULL;
         tile = tile->by_key.next) {
        if (strncmp(tile->key, key, len) == 0 && tile->key[len] == '/' &&
            !knows(members, tile->key)) {
            find(verdicts, c, tile->key, VERDICT_SURPLUS, tile, NULL);
        }
    }
}

static void compare_definition(struct verdicts *verdicts, const struct verdict_comparison *c,
                               const struct tile_config *tile)
{
    struct oracle_members members;
    oracle_select(c->rows, tile, &members);
    if (members.over_limit) {
        verdicts->skipped = x_reallocarray(verdicts->skipped, verdicts->skipped_count + 1,
                                           sizeof(struct tile_config *));
        verdicts->skipped[verdicts->skipped_count++] = tile;
    } else {
        for (size_t i = 0; i < members.count; i++) {
            if (!is_settled(verdicts, members.list[i].key)) {
                compare_member(verdicts, c, &members, &members.list[i]);
            }
        }
        if (tile->group_by.kind != TILE_FIELD_NONE) {
            find_surplus(verdicts, c, &members);
        }
    }
    oracle_members_free(&members);
}

/* Finds tiles that are served though nothing defines them. */
static void find_undefined(struct verdicts *verdicts, const struct verdict_comparison *c)
{
    const struct config *config = oracle_rows_config(c->rows);
    for (const struct served_tile *tile = c->served->tiles; tile != NULL;
         tile = tile->by_key.next) {
        const char *slash = strchr(tile->key, '/');
        const size_t len = slash != NULL ? (size_t)(slash - tile->key) : strlen(tile->key);
        const struct tile_config *defined = config_tile(config, (struct str){tile->key, len});
        if (defined == NULL || (slash != NULL) != (defined->group_by.kind != TILE_FIELD_NONE)) {
            find(verdicts, c, tile->key, VERDICT_SURPLUS, tile, NULL);
        }
    }
}

size_t verdicts_compare(struct verdicts *verdicts, const struct verdict_comparison *c)
{
    const struct config *config = oracle_rows_config(c->rows);
    forget_findings(verdicts);
    if (verdicts->done == NULL) {
        verdicts->done = x_calloc(config->tile_count + 1, sizeof *verdicts->done);
    }
    for (size_t i = 0; i < config->tile_count; i++) {
        if (!verdicts->done[i] && is_served_here(c, &config->tiles[i])) {
            const size_t before = verdicts->count;
            compare_definition(verdicts, c, &config->tiles[i]);
            verdicts->done[i] = verdicts->count == before;
        }
    }
    find_undefined(verdicts, c);
    if (verdicts->count > 1) {
        qsort(verdicts->findings, verdicts->count, sizeof *verdicts->findings, by_key);
    }
    return verdicts->count;
}

const struct verdict_finding *verdicts_findings(const struct verdicts *verdicts, size_t *count)
{
    *count = verdicts->count;
    return verdicts->findings;
}

size_t verdicts_equal(const struct verdicts *verdicts)
{
    return verdicts->equal;
}

size_t verdicts_held(const struct verdicts *verdicts)
{
    return verdicts->held;
}

const struct tile_config *const *verdicts_skipped(const struct verdicts *verdicts, size_t *count)
{
    *count = verdicts->skipped_count;
    return verdicts->skipped;
}
