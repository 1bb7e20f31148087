/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/duplicates.h"

#include <stdlib.h>

#include "common/base/table.h"
#include "common/base/xalloc.h"

#define NAME_BYTES 64 /* of dedupe_memory for each name, see docs/sources.md */
#define NO_ROW SIZE_MAX
#define NO_FIELD SIZE_MAX

/* A row's place in the order of delivery. */
struct turn {
    uint64_t ordinal;
    int64_t time_us; /* of a bus: the latest so far in its stream */
    uint64_t stream;
    int64_t offset;
    size_t row;
};

/* A name is its source's own. */
struct name_key {
    uint32_t text; /* index of the value as text */
    uint32_t source;
};

/* What is known of a name. */
struct name {
    struct name_key key;
    size_t rows;        /* that have it */
    size_t told;        /* the last row that has it and is known to count, or NO_ROW */
    size_t counts;      /* the last row that has counted so far, or NO_ROW */
    uint64_t number;    /* how many had counted before that */
    int64_t reached_us; /* where the stream's time was then, or the row's own, if that is later */
    UT_hash_handle hh;
};

/* One source, and how far its rows have come. */
struct stream_time {
    size_t field; /* what its names are read from; NO_FIELD: it has no dedupe */
    int64_t window_us;
    uint64_t room; /* for names */
    int64_t last_us;
    int64_t reached_us;
    uint64_t counted;
};

struct finding {
    const struct oracle_rows *rows;
    const uint64_t *ordinals;
    bool sure;
    struct stream_time sources[CONFIG_SOURCES_MAX];
    struct name *names;
    struct name **of_row; /* NULL: it has no name */
    size_t *told_before;  /* of each row that is told: the one of that name before it, or NO_ROW */
    struct oracle_duplicates out;
};

void oracle_duplicates_free(struct oracle_duplicates *duplicates)
{
    free(duplicates->left_out);
    free(duplicates->named);
    free(duplicates->doubtful);
    *duplicates = (struct oracle_duplicates){0};
}

/* ---- Names ---- */

static struct name *name_of(struct finding *f, size_t row)
{
    const unsigned source = oracle_row_source(f->rows, row);
    const size_t field = f->sources[source].field;
    if (field == NO_FIELD) {
        return NULL;
    }
    const struct oracle_value *value = oracle_value(f->rows, oracle_cell(f->rows, row, field));
    const struct name_key key = {value->as_text, source};
    struct name *name;
    if (value->kind == ORACLE_ABSENT || value->text.len == 0) {
        return NULL;
    }
    HASH_FIND(hh, f->names, &key, sizeof key, name);
    if (name == NULL) {
        name = x_calloc(1, sizeof *name);
        *name = (struct name){.key = key, .told = NO_ROW, .counts = NO_ROW};
        HASH_ADD(hh, f->names, key, sizeof name->key, name);
    }
    return name;
}

/* True for a row that the log of events has, in which there are no duplicates. */
static bool is_told(const struct finding *f, size_t row)
{
    return !f->sure && f->ordinals[row] != 0 && f->ordinals[row] != UINT64_MAX;
}

static void find_names(struct finding *f)
{
    for (size_t row = 0; row < oracle_rows_count(f->rows); row++) {
        struct name *name = name_of(f, row);
        f->of_row[row] = name;
        f->out.named[row] = name != NULL;
        if (name != NULL) {
            name->rows++;
            if (is_told(f, row)) {
                f->told_before[row] = name->told;
                name->told = row;
            }
        }
    }
}

/* ---- The order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Each stream in the order of its offsets; a table is one in the order of its rows. */
static int by_stream(const void *a, const void *b)
{
    const struct turn *x = a;
    const struct turn *y = b;
    const int stream = compare_u64(x->stream, y->stream);
    const int offset = stream != 0 ? stream : compare_i64(x->offset, y->offset);
    return offset != 0 ? offset : compare_u64(x->row, y->row);
}

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a;
    const struct turn *y = b;
    const int ordinal = compare_u64(x->ordinal, y->ordinal);
    const int time = ordinal != 0 ? ordinal : compare_i64(x->time_us, y->time_us);
    return time != 0 ? time : by_stream(a, b);
}

/* Streams are merged by time, and each stays in its order. */
static struct turn *order_rows(const struct finding *f)
{
    const size_t count = oracle_rows_count(f->rows);
    struct turn *turns = x_calloc(count + 1, sizeof *turns);
    for (size_t row = 0; row < count; row++) {
        turns[row] = (struct turn){.ordinal = f->ordinals[row],
                                   .time_us = oracle_row_us(f->rows, row),
                                   .stream = oracle_row_stream(f->rows, row),
                                   .offset = oracle_row_offset(f->rows, row),
                                   .row = row};
    }
    qsort(turns, count, sizeof *turns, by_stream);
    for (size_t i = 0; i < count; i++) {
        if (turns[i].stream == 0) {
            turns[i].time_us = 0;
        } else if (i != 0 && turns[i - 1].stream == turns[i].stream &&
                   turns[i - 1].time_us > turns[i].time_us) {
            turns[i].time_us = turns[i - 1].time_us;
        }
    }
    qsort(turns, count, sizeof *turns, by_turn);
    return turns;
}

/* ---- Deciding ---- */

static bool near(const struct finding *f, size_t row, size_t other)
{
    const int64_t us = oracle_row_us(f->rows, row) - oracle_row_us(f->rows, other);
    const int64_t window_us = f->sources[oracle_row_source(f->rows, row)].window_us;
    return us <= window_us && -us <= window_us;
}

/* True when a row of that name is told, and near. */
static bool twin_is_told(const struct finding *f, size_t row)
{
    size_t other = f->of_row[row]->told;
    while (other != NO_ROW && !near(f, row, other)) {
        other = f->told_before[other];
    }
    return other != NO_ROW;
}

static void decide(struct finding *f)
{
    struct turn *turns = order_rows(f);
    for (size_t i = 0; i < oracle_rows_count(f->rows); i++) {
        const size_t row = turns[i].row;
        const int64_t us = oracle_row_us(f->rows, row);
        struct stream_time *time = &f->sources[oracle_row_source(f->rows, row)];
        const int64_t both_us = us < time->last_us ? us : time->last_us;
        struct name *name = f->of_row[row];
        time->reached_us = both_us > time->reached_us ? both_us : time->reached_us;
        time->last_us = us;
        if (name == NULL) {
            continue;
        }
        const bool known = name->counts != NO_ROW && time->counted - name->number <= time->room &&
                           name->reached_us >= time->reached_us - time->window_us;
        const bool again = known && near(f, row, name->counts);
        f->out.left_out[row] =
            is_told(f, row) ? false : again || (f->ordinals[row] == 0 && twin_is_told(f, row));
        f->out.doubtful[row] = !f->sure && !is_told(f, row) && name->rows > 1;
        if (!f->out.left_out[row]) {
            name->counts = row;
            name->number = time->counted++;
            name->reached_us = us > time->reached_us ? us : time->reached_us;
        }
    }
    free(turns);
}

/* False when none of them has a dedupe. */
static bool begin_sources(struct finding *f)
{
    const struct config *config = oracle_rows_config(f->rows);
    bool any = false;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const bool has = source->dedupe.kind != TILE_FIELD_NONE;
        f->sources[i] = (struct stream_time){
            .field = has ? oracle_field(f->rows, &source->dedupe) : NO_FIELD,
            .window_us = source->dedupe_window_ms * US_PER_MS,
            .room = source->dedupe_memory_bytes / NAME_BYTES,
            .last_us = INT64_MAX,
            .reached_us = INT64_MIN,
        };
        any = any || has;
    }
    return any;
}

struct oracle_duplicates oracle_duplicates_find(const struct oracle_rows *rows,
                                                const uint64_t *ordinals, bool sure)
{
    const size_t count = oracle_rows_count(rows) + 1;
    struct finding f = {.rows = rows, .ordinals = ordinals, .sure = sure};
    if (!begin_sources(&f)) {
        return f.out;
    }
    f.of_row = x_calloc(count, sizeof(struct name *));
    f.told_before = x_calloc(count, sizeof *f.told_before);
    f.out = (struct oracle_duplicates){.left_out = x_calloc(count, sizeof(bool)),
                                       .named = x_calloc(count, sizeof(bool)),
                                       .doubtful = x_calloc(count, sizeof(bool))};
    find_names(&f);
    decide(&f);
    struct name *name;
    struct name *next;
    HASH_ITER(hh, f.names, name, next)
    {
        HASH_DEL(f.names, name);
        free(name);
    }
    free(f.of_row);
    free(f.told_before);
    return f.out;
}
