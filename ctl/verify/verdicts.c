/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verdicts.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/wire/lane.h"
#include "ctl/oracle/sources.h"
#include "ctl/verify/judge.h"

/* A key whose tile is settled. */
struct settled {
    bool served; /* False when there rightly is no tile. */
    UT_hash_handle by_key;
    char key[];
};

/* A tile that is unprovable: how it was when it was sampled. */
struct sampled {
    struct judge_sample sample;
    UT_hash_handle by_key;
    char key[];
};

struct verdicts {
    struct settled *settled; /* uthash by key */
    struct sampled *sampled; /* uthash by key */

    /* For each definition, true when all its members are settled. NULL before the first
     * comparison. */
    bool *done;
    size_t equal;             /* how many tiles are settled and served */
    size_t held;              /* how many of these hold newer changes back */
    struct verdict_list list; /* of the last comparison */
    const char **unseen;      /* keys, of `settled` */
    size_t unseen_count;
    const struct tile_config **skipped;
    size_t skipped_count;
    struct judge *judge;
    struct mp_doc doc; /* used within compare_without_rows only */
};

struct verdicts *verdicts_create(void)
{
    struct verdicts *verdicts = x_calloc(1, sizeof *verdicts);
    verdicts->judge = judge_create();
    mp_doc_init(&verdicts->doc);
    return verdicts;
}

static void forget_samples(struct verdicts *verdicts)
{
    struct sampled *sampled;
    struct sampled *next;
    HASH_ITER(by_key, verdicts->sampled, sampled, next)
    {
        HASH_DELETE(by_key, verdicts->sampled, sampled);
        buf_free(&sampled->sample.value);
        free(sampled);
    }
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
    verdict_list_free(&verdicts->list);
    forget_samples(verdicts);
    free(verdicts->done);
    free(verdicts->skipped);
    free(verdicts->unseen);
    mp_doc_free(&verdicts->doc);
    judge_destroy(&verdicts->judge);
    free(verdicts);
    *verdicts_p = NULL;
}

static bool is_settled(const struct verdicts *verdicts, const char *key)
{
    struct settled *settled;
    HASH_FIND(by_key, verdicts->settled, key, strlen(key), settled);
    return settled != NULL;
}

static struct settled *settle(struct verdicts *verdicts, const char *key, bool served)
{
    struct settled *settled = x_calloc(1, sizeof *settled + strlen(key) + 1);
    memcpy(settled->key, key, strlen(key));
    settled->served = served;
    HASH_ADD_KEYPTR(by_key, verdicts->settled, settled->key, strlen(key), settled);
    verdicts->equal += served;
    return settled;
}

/* True when the gateway's client may not see the tile, of which nothing is said then. */
static bool is_unseen(struct verdicts *verdicts, const struct verdict_comparison *c,
                      const char *key)
{
    if (c->shown == NULL || shown_may_be(c->shown, key)) {
        return false;
    }
    if (!is_settled(verdicts, key) && served_find(c->served, key) != NULL) {
        verdicts->unseen =
            x_reallocarray(verdicts->unseen, verdicts->unseen_count + 1, sizeof *verdicts->unseen);
        verdicts->unseen[verdicts->unseen_count++] = settle(verdicts, key, false)->key;
    }
    return true;
}

static struct judge_sample *sample_of(struct verdicts *verdicts, const char *key)
{
    struct sampled *sampled;
    HASH_FIND(by_key, verdicts->sampled, key, strlen(key), sampled);
    if (sampled == NULL) {
        sampled = x_calloc(1, sizeof *sampled + strlen(key) + 1);
        memcpy(sampled->key, key, strlen(key));
        HASH_ADD_KEYPTR(by_key, verdicts->sampled, sampled->key, strlen(key), sampled);
    }
    return &sampled->sample;
}

/* ---- Comparing ---- */

/* The lane of what is of a definition and of no partition. */
static unsigned lane_by_key(const struct verdict_comparison *c, const char *key)
{
    const unsigned partitions = oracle_rows_config(c->rows)->ingestor.partitions;
    const unsigned all = c->served->lane_count;
    return lane_of_key(str_of(key), all > partitions ? all - partitions : all);
}

/* Whose members are shared out by partitions. */
static bool is_partitioned(const struct verdict_comparison *c, const struct tile_config *tile)
{
    return tile->partition && oracle_rows_config(c->rows)->ingestor.partitions != 0;
}

/* A member of a partitioned family is on the lane that it is served on, and has to be on that of
 * its first row. */
static unsigned lane_of(const struct verdict_comparison *c, const struct tile_config *definition,
                        const struct oracle_member *member, const struct served_tile *tile)
{
    if (!is_partitioned(c, definition)) {
        return lane_by_key(c, member->key);
    }
    if (tile != NULL || member->count == 0) {
        return tile != NULL ? tile->lane : 0;
    }
    return deliveries_lane_of_row(oracle_rows_config(c->rows), c->rows, member->picked[0]);
}

/* True when the member has to be served: when verifying began it had to, and at the snapshot. */
static bool is_missing(const struct verdict_comparison *c, const struct oracle_members *members,
                       const struct oracle_member *member, struct buf *expected)
{
    const unsigned lane = lane_of(c, members->tile, member, NULL);
    const struct delivery *delivery = deliveries_of(c->deliveries, lane);
    if ((c->served->lanes >> lane & 1) == 0) {
        return false;
    }
    struct oracle_cut cut = {
        .ordinals = delivery->ordinals,
        .last = delivery->target,
        .left_out = delivery->duplicates.left_out,
        .at = c->began.us < c->served->as_of.us ? c->began : c->served->as_of,
    };
    struct buf earlier = {0};
    const bool was_shown = oracle_tile(members, member, &cut, &earlier);
    cut.at = c->served->as_of;
    const bool is_shown = oracle_tile(members, member, &cut, expected);
    buf_free(&earlier);
    return was_shown && is_shown;
}

/* A tile that is right as it is served has to be shown so. */
static void judge_shown(const struct verdict_comparison *c, const struct served_tile *tile,
                        struct judged *judged)
{
    struct buf expected = {0};
    const enum verdict verdict = shown_judge(c->shown, tile, &expected, &judged->shown);
    if (verdict == VERDICT_EQUAL) {
        buf_free(&judged->shown);
        buf_free(&expected);
        return;
    }
    free(judged->reason);
    free(judged->proved);
    buf_free(&judged->expected);
    judged->verdict = verdict;
    judged->reason = NULL;
    judged->proved = NULL;
    judged->expected = expected;
}

static void compare_member(struct verdicts *verdicts, const struct verdict_comparison *c,
                           const struct oracle_members *members, const struct oracle_member *member)
{
    struct judged judged = {0};
    if (is_unseen(verdicts, c, member->key)) {
        return;
    }
    const struct served_tile *tile = served_find(c->served, member->key);
    if (tile != NULL) {
        const struct judge_case judge_case = {
            .members = members,
            .member = member,
            .tile = tile,
            .delivery = deliveries_of(c->deliveries, lane_of(c, members->tile, member, tile)),
            .began = c->began,
            .snapshot_at = c->served->as_of,
            .patience_ms = c->patience_ms,
            .allow_stale = c->allow_stale,
            .sample = sample_of(verdicts, member->key),
        };
        judge_tile(verdicts->judge, &judge_case, &judged);
    } else if (is_missing(c, members, member, &judged.expected)) {
        judged.verdict = VERDICT_MISSING;
    }
    if (c->shown != NULL && tile != NULL &&
        (judged.verdict == VERDICT_EQUAL || verdict_is_unprovable(judged.verdict))) {
        judge_shown(c, tile, &judged);
    }
    if (judged.verdict == VERDICT_EQUAL) {
        (void)settle(verdicts, member->key, tile != NULL);
        verdicts->held += judged.held;
    } else {
        verdict_list_add(&verdicts->list, member->key, c->served, tile, &judged);
    }
    judge_free_judged(&judged);
}

static bool is_served_here(const struct verdict_comparison *c, const struct tile_config *tile)
{
    if (!is_partitioned(c, tile)) {
        return (c->served->lanes >> lane_by_key(c, tile->key) & 1) != 0;
    }
    const unsigned lanes = oracle_rows_config(c->rows)->ingestor.lanes;
    return lanes < LANES_MAX && c->served->lanes >> lanes != 0;
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

/* Compares a member that is served though no row that is there makes it. */
static void compare_without_rows(struct verdicts *verdicts, const struct verdict_comparison *c,
                                 const struct oracle_members *members,
                                 const struct served_tile *tile)
{
    struct judged surplus = {.verdict = VERDICT_SURPLUS};
    struct oracle_member member = {.key = tile->key};
    char *key = NULL;
    if (mp_parse(&verdicts->doc, tile->value.data, tile->value.len) == STATUS_OK &&
        mp_as_str(mp_get(mp_get(&verdicts->doc.root, "group"), "value"), &member.group)) {
        key = oracle_key(members->tile, member.group);
    }
    if (key != NULL && strcmp(key, tile->key) == 0) {
        compare_member(verdicts, c, members, &member);
    } else {
        verdict_list_add(&verdicts->list, tile->key, c->served, tile, &surplus);
    }
    free(key);
}

/* Finds members that are served though no row that is there makes them. */
static void find_surplus(struct verdicts *verdicts, const struct verdict_comparison *c,
                         const struct oracle_members *members)
{
    const char *key = members->tile->key;
    const size_t len = strlen(key);
    for (const struct served_tile *tile = c->served->tiles; tile != NULL;
         tile = tile->by_key.next) {
        if (strncmp(tile->key, key, len) == 0 && tile->key[len] == '/' &&
            !knows(members, tile->key) && !is_settled(verdicts, tile->key) &&
            !is_unseen(verdicts, c, tile->key)) {
            compare_without_rows(verdicts, c, members, tile);
        }
    }
}

static bool is_of(const struct tile_config *tile, const char *key)
{
    const size_t len = strlen(tile->key);
    return strncmp(key, tile->key, len) == 0 && (key[len] == '/' || key[len] == '\0');
}

/* Of a definition whose rows cannot be read nothing is known. */
static void find_unread(struct verdicts *verdicts, const struct verdict_comparison *c,
                        const struct tile_config *definition, const char *why)
{
    for (const struct served_tile *tile = c->served->tiles; tile != NULL;
         tile = tile->by_key.next) {
        if (is_of(definition, tile->key) && !is_settled(verdicts, tile->key) &&
            !is_unseen(verdicts, c, tile->key)) {
            struct judged judged = {0};
            judge_say(&judged, VERDICT_UNPROVABLE, x_asprintf("cannot be proved: %s", why));
            verdict_list_add(&verdicts->list, tile->key, c->served, tile, &judged);
            judge_free_judged(&judged);
        }
    }
}

static void compare_definition(struct verdicts *verdicts, const struct verdict_comparison *c,
                               const struct tile_config *tile)
{
    struct oracle_members members;
    const char *why = oracle_source_unread(c->source, tile);
    if (why != NULL) {
        find_unread(verdicts, c, tile, why);
        return;
    }
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
        if ((defined == NULL || (slash != NULL) != (defined->group_by.kind != TILE_FIELD_NONE)) &&
            !is_unseen(verdicts, c, tile->key)) {
            struct judged surplus = {.verdict = VERDICT_SURPLUS};
            verdict_list_add(&verdicts->list, tile->key, c->served, tile, &surplus);
        }
    }
}

struct judging {
    struct verdicts *verdicts;
    const struct verdict_comparison *comparison;
};

/* A tile that is shown has to be one that may be seen, and one that is served. */
static void judge_unserved(void *arg, const char *key, struct str tile)
{
    const struct judging *judging = arg;
    const struct verdict_comparison *c = judging->comparison;
    const bool here = (c->served->lanes >> lane_by_key(c, key) & 1) != 0;
    struct judged judged = {.verdict = VERDICT_EXPOSED};
    if (shown_may_be(c->shown, key)) {
        judged.verdict =
            here && served_find(c->served, key) == NULL ? VERDICT_SURPLUS : VERDICT_EQUAL;
    }
    if (judged.verdict != VERDICT_EQUAL) {
        buf_append_str(&judged.shown, tile);
        verdict_list_add(&judging->verdicts->list, key, c->served, NULL, &judged);
    }
    judge_free_judged(&judged);
}

size_t verdicts_compare(struct verdicts *verdicts, const struct verdict_comparison *c)
{
    const struct config *config = oracle_rows_config(c->rows);
    verdict_list_clear(&verdicts->list);
    if (verdicts->done == NULL) {
        verdicts->done = x_calloc(config->tile_count + 1, sizeof *verdicts->done);
    }
    for (size_t i = 0; i < config->tile_count; i++) {
        if (!verdicts->done[i] && is_served_here(c, &config->tiles[i])) {
            const size_t before = verdicts->list.count;
            compare_definition(verdicts, c, &config->tiles[i]);
            verdicts->done[i] = verdicts->list.count == before;
        }
    }
    find_undefined(verdicts, c);
    if (c->shown != NULL) {
        struct judging judging = {verdicts, c};
        shown_each(c->shown, judge_unserved, &judging);
    }
    verdict_list_sort(&verdicts->list);
    return verdicts->list.count;
}

const struct verdict_finding *verdicts_findings(const struct verdicts *verdicts, size_t *count)
{
    *count = verdicts->list.count;
    return verdicts->list.findings;
}

size_t verdicts_equal(const struct verdicts *verdicts)
{
    return verdicts->equal;
}

size_t verdicts_unprovable(const struct verdicts *verdicts)
{
    return verdicts->list.unprovable;
}

size_t verdicts_building(const struct verdicts *verdicts)
{
    return verdicts->list.building;
}

size_t verdicts_open(const struct verdicts *verdicts)
{
    return verdicts->list.open;
}

size_t verdicts_held(const struct verdicts *verdicts)
{
    return verdicts->held;
}

const char *const *verdicts_unseen(const struct verdicts *verdicts, size_t *count)
{
    *count = verdicts->unseen_count;
    return verdicts->unseen;
}

const struct tile_config *const *verdicts_skipped(const struct verdicts *verdicts, size_t *count)
{
    *count = verdicts->skipped_count;
    return verdicts->skipped;
}
