/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/channel_index.h"

#include <stdlib.h>

#include "common/base/table.h"
#include "common/base/xalloc.h"
#include "gateway/stream/channel.h"

#define FIRST_WANTING 4 /* The channels that a list has room for at first. */
#define FIRST_VERDICTS 64
#define GAPS_MIN 64 /* Fewer gaps are not worth asking everybody again. */

/* Who wants the name of a number. */
struct verdict {
    uint32_t *wanting;   /* Places of channels in the index's `patterns`; owned. */
    uint32_t count;      /* How many there are. */
    uint32_t cap;        /* How many there is memory for. */
    uint32_t asked;      /* The channels before this place were asked. */
    uint32_t use;        /* Which name of those that had the number. */
    uint32_t generation; /* Which numbering of `patterns` the places are of. */
};

struct channel_index {
    struct buckets names;      /* The names of channels without patterns. */
    struct channel **patterns; /* Channels with patterns, as they came; NULL: it is gone. Owned. */
    size_t pattern_count;      /* Channels and gaps. */
    size_t pattern_cap;        /* How many there is memory for. */
    size_t gaps;               /* How many are gone. */
    uint32_t generation;       /* Grows when the places in `patterns` change. */
    struct verdict *verdicts;  /* By the place of a name's number; owned. */
    size_t verdict_count;      /* How many places there is memory for. */
    size_t bytes;              /* Of the verdicts and their lists. */
    size_t bytes_max;          /* They do not grow beyond that. */
    struct channel **found;    /* What was found last; owned. */
    size_t found_count;        /* How many were found. */
    size_t found_cap;          /* How many there is memory for. */
};

struct channel_index *channel_index_create(size_t kept_bytes)
{
    struct channel_index *index = x_calloc(1, sizeof *index);
    index->bytes_max = kept_bytes;
    return index;
}

void channel_index_destroy(struct channel_index **index_p)
{
    struct channel_index *index = *index_p;
    if (index != NULL) {
        for (size_t i = 0; i < index->verdict_count; i++) {
            free(index->verdicts[i].wanting);
        }
        buckets_finish(&index->names);
        free(index->patterns);
        free(index->verdicts);
        free(index->found);
        free(index);
        *index_p = NULL;
    }
}

/* ---- Coming and going ---- */

static void add_names(struct channel_index *index, struct channel *channel, const struct str *names,
                      size_t count)
{
    channel->names = x_calloc(count != 0 ? count : 1, sizeof *channel->names);
    for (size_t i = 0; i < count; i++) {
        if (selection_matches(&channel->selection, names[i])) {
            struct channel_name *name = &channel->names[channel->name_count++];
            name->name = names[i];
            buckets_add(&index->names, &name->item, table_hash(names[i].p, names[i].len), channel);
        }
    }
}

void channel_index_add(struct channel_index *index, struct channel *channel)
{
    size_t count;
    const struct str *names = selection_names(&channel->selection, &count);
    if (names != NULL) {
        add_names(index, channel, names, count);
        return;
    }
    if (index->pattern_count == index->pattern_cap) {
        index->pattern_cap = index->pattern_cap != 0 ? index->pattern_cap * 2 : 16;
        index->patterns =
            x_reallocarray(index->patterns, index->pattern_cap, sizeof(struct channel *));
    }
    channel->pattern_place = index->pattern_count;
    index->patterns[index->pattern_count++] = channel;
}

/* Closes the gaps, which gives the channels other places. */
static void close_gaps(struct channel_index *index)
{
    size_t count = 0;
    for (size_t i = 0; i < index->pattern_count; i++) {
        if (index->patterns[i] != NULL) {
            index->patterns[i]->pattern_place = count;
            index->patterns[count++] = index->patterns[i];
        }
    }
    index->pattern_count = count;
    index->gaps = 0;
    index->generation++;
}

void channel_index_remove(struct channel_index *index, struct channel *channel)
{
    if (channel->names != NULL) {
        for (size_t i = 0; i < channel->name_count; i++) {
            buckets_remove(&index->names, &channel->names[i].item);
        }
        free(channel->names);
        channel->names = NULL;
        channel->name_count = 0;
        return;
    }
    index->patterns[channel->pattern_place] = NULL;
    index->gaps++;
    if (index->gaps >= GAPS_MIN && index->gaps > index->pattern_count / 2) {
        close_gaps(index);
    }
}

/* ---- Finding ---- */

static void find(struct channel_index *index, struct channel *channel)
{
    if (index->found_count == index->found_cap) {
        index->found_cap = index->found_cap != 0 ? index->found_cap * 2 : 16;
        index->found = x_reallocarray(index->found, index->found_cap, sizeof(struct channel *));
    }
    index->found[index->found_count++] = channel;
}

static void find_names(struct channel_index *index, struct str name)
{
    const struct buckets_item *item = buckets_find(&index->names, table_hash(name.p, name.len));
    for (; item != NULL; item = buckets_again(item)) {
        /* The item is the first member of the name that it stands for. */
        const struct channel_name *entry = (const struct channel_name *)item;
        if (str_equal(entry->name, name)) {
            find(index, item->owner);
        }
    }
}

/* Takes memory from what may be kept. */
static bool take(struct channel_index *index, size_t bytes)
{
    if (bytes > index->bytes_max - index->bytes) {
        return false;
    }
    index->bytes += bytes;
    return true;
}

/* What is kept of the number; NULL: nothing can be. */
static struct verdict *verdict_of(struct channel_index *index, struct name_number number)
{
    if (number.place >= index->verdict_count) {
        size_t count = index->verdict_count != 0 ? index->verdict_count : FIRST_VERDICTS;
        while (count <= number.place) {
            count *= 2;
        }
        const size_t more = count - index->verdict_count;
        if (!take(index, more * sizeof *index->verdicts)) {
            return NULL;
        }
        index->verdicts = x_reallocarray(index->verdicts, count, sizeof *index->verdicts);
        memset(index->verdicts + index->verdict_count, 0, more * sizeof *index->verdicts);
        index->verdict_count = count;
    }
    struct verdict *verdict = &index->verdicts[number.place];
    if (verdict->use != number.use || verdict->generation != index->generation) {
        verdict->count = 0;
        verdict->asked = 0;
        verdict->use = number.use;
        verdict->generation = index->generation;
    }
    return verdict;
}

/* False: there is no memory for it. */
static bool keep(struct channel_index *index, struct verdict *verdict, size_t place)
{
    if (verdict->count == verdict->cap) {
        const uint32_t more = verdict->cap != 0 ? verdict->cap : FIRST_WANTING;
        if (!take(index, more * sizeof *verdict->wanting)) {
            return false;
        }
        verdict->cap += more;
        verdict->wanting = x_reallocarray(verdict->wanting, verdict->cap, sizeof *verdict->wanting);
    }
    verdict->wanting[verdict->count++] = (uint32_t)place;
    return true;
}

static void find_patterns(struct channel_index *index, struct str name, struct name_number number)
{
    if (index->pattern_count == index->gaps) {
        return;
    }
    struct verdict *verdict = verdict_of(index, number);
    bool keeping = verdict != NULL;
    size_t next = 0;
    if (verdict != NULL) {
        for (size_t i = 0; i < verdict->count; i++) {
            struct channel *channel = index->patterns[verdict->wanting[i]];
            if (channel != NULL) {
                find(index, channel);
            }
        }
        next = verdict->asked;
    }
    for (; next < index->pattern_count; next++) {
        struct channel *channel = index->patterns[next];
        if (channel != NULL && selection_matches(&channel->selection, name)) {
            find(index, channel);
            keeping = keeping && keep(index, verdict, next);
        }
        if (keeping) {
            verdict->asked = (uint32_t)next + 1;
        }
    }
}

struct channel *const *channel_index_find(struct channel_index *index, struct str name,
                                          struct name_number number, size_t *count)
{
    index->found_count = 0;
    find_names(index, name);
    find_patterns(index, name, number);
    *count = index->found_count;
    return index->found;
}

size_t channel_index_bytes(const struct channel_index *index)
{
    return index->bytes;
}
