/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_past.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/sqlite/sqlite_database.h"
#include "ingestor/source/sqlite/sqlite_rows.h"
#include "ingestor/source/sqlite/sqlite_table.h"

struct sqlite_past {
    struct sqlite_source source; /* its position is the last row that was read */
    int64_t first;               /* the rows are those behind this one … */
    int64_t last;                /* … up to this one */
};

static struct sqlite_past *past_of(struct source *source)
{
    return (struct sqlite_past *)source;
}

static void past_close(struct source *source)
{
    struct sqlite_past *p = past_of(source);
    sqlite_table_close(&p->source);
    sqlite3_close(p->source.db);
    sqlite_wake_close(&p->source.wake);
    free(p);
}

static double progress(const struct sqlite_past *p)
{
    const double all = (double)p->last - (double)p->first;
    return all > 0 ? ((double)p->source.position - (double)p->first) / all : 1;
}

static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct sqlite_past *p = past_of(source);
    struct sqlite_source *s = &p->source;
    struct batch *batch = batch_create(s->config->source.extra_count);
    const bool from_start = s->position == 0;
    char done[32];
    int64_t last = s->position;
    const int status =
        sqlite_rows_read(s, s->position, p->last, max_rows, batch, &last, &batch->more, err);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    s->position = batch->more ? last : p->last;
    batch->history = true;
    batch->older_gone = from_start && sqlite_rows_older_gone(batch, p->last);
    batch->progress = progress(p);
    const int len = snprintf(done, sizeof done, "%" PRId64, s->position);
    batch_finish(batch, (struct str){done, (size_t)len}, STR(""));
    *out = batch;
    return STATUS_OK;
}

static const struct source_ops past_ops = {.close = past_close, .read = past_read};

/* Reads the position that a state says, 0 when there is no state. */
static int load(struct sqlite_source *scratch, struct str state, int64_t *position,
                struct error *err)
{
    *position = 0;
    if (state.p == NULL || state.len == 0) {
        return STATUS_OK;
    }
    if (!sqlite_state_load(scratch, state)) {
        return error_set(err, STATUS_INVALID,
                         "a tile's place in the events table is that of another source or version");
    }
    *position = scratch->position;
    return STATUS_OK;
}

int sqlite_past_open(const struct config *config, struct str from, struct str to, struct str done,
                     struct source **out, struct error *err)
{
    struct sqlite_past *p = x_calloc(1, sizeof *p);
    struct sqlite_source *s = &p->source;
    s->base.ops = &past_ops;
    s->config = config;
    s->wake.inotify = -1;
    int status = load(s, from, &p->first, err);
    if (status == STATUS_OK) {
        status = load(s, to, &p->last, err);
    }
    s->position = p->first;
    if (done.p != NULL) {
        char *text = x_strndup(done.p, done.len);
        s->position = strtoll(text, NULL, 10);
        free(text);
    }
    if (status == STATUS_OK) {
        status = sqlite_database_open(s, err);
    }
    if (status == STATUS_OK) {
        status = sqlite_table_prepare(s, err);
    }
    if (status != STATUS_OK) {
        past_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}
