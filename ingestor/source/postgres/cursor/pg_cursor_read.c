/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/pg_rows.h"
#include "ingestor/source/postgres/pg_value.h"

#define PAGE_ROWS ((size_t)4000)
#define KEYS_PAGE_ROWS ((size_t)20000)
#define FIND_KEYS ((size_t)500) /* looked for by one statement */

static const char doing[] = "cannot read the events table";

void pg_cursor_reader_free(struct pg_cursor_reader *reader)
{
    pg_cursor_table_free(&reader->table);
    pg_cursor_scratch_free(&reader->scratch);
    buf_free(&reader->asked_time);
    buf_free(&reader->asked_id);
}

void pg_cursor_reader_settle(struct pg_cursor_reader *r)
{
    if (r->asked) {
        r->asked = false;
        PQclear(pg_cursor_table_receive(r->s));
    }
}

/* ---- Handing out ---- */

/* Who takes the rows. */
struct taker {
    cursor_take *take;
    void *arg;
    bool wanted;   /* It wants more. */
    size_t placed; /* rows with a place that it was given */
};

/* Where the value of the cursor's column is in a result. */
static int time_column(const struct pg_cursor_reader *r, const PGresult *rows)
{
    return PQnfields(rows) == 2 ? 1 : (int)columns_count(&r->s->config->source);
}

/* What is wrong with a row whose texts are bytes; NULL: nothing. What it says is what the database
 * says of such a row where it has to give UTF-8. */
static const char *wrong_text(const PGresult *rows, int row)
{
    for (int i = EVENT_ID + 1; i < PQnfields(rows); i++) {
        const Oid type = PQftype(rows, i);
        if ((type == PG_OID_TEXT || type == PG_OID_VARCHAR) && !PQgetisnull(rows, row, i) &&
            !utf8_valid(pg_value_text(rows, row, i))) {
            return "it has a text that is not UTF-8, in a database that does not say which "
                   "encoding it has (SQL_ASCII)";
        }
    }
    return NULL;
}

static void hand_out(struct pg_cursor_reader *r, struct taker *to, const PGresult *rows, int row,
                     size_t asked)
{
    const int time_at = time_column(r, rows);
    const struct zone *zone = r->s->config->source.local.zone;
    struct cursor_row handed = {.key = pg_cursor_key(rows, row, time_at, &r->scratch),
                                .asked = asked};
    handed.id = pg_cursor_id(&handed.key, r->s->table.id_bytes);
    handed.failure = r->bytes ? wrong_text(rows, row) : NULL;
    handed.placed = handed.key.id.p != NULL &&
                    pg_cursor_time(rows, row, time_at, &handed.key, zone, &handed.time);
    r->rows = rows;
    r->row = row;
    to->placed += handed.placed;
    to->wanted = to->take(to->arg, &handed);
}

/* The id of a row at which the database fails. One that is escaped is bytes; bytes that happen to
 * be UTF-8 might be the id of another row, so they stay escaped. */
static struct str broken_id(const struct pg_cursor_reader *r, const struct cursor_key *key)
{
    const struct str id = pg_cursor_id(key, r->s->table.id_bytes);
    if (r->table.id_escapes && id.len != 0 && id.p[0] == PG_CURSOR_ESCAPE) {
        const struct str bytes = {id.p + 1, id.len - 1};
        return utf8_valid(bytes) ? id : bytes;
    }
    return id;
}

/* A row at which the database fails. */
static void hand_out_broken(struct pg_cursor_reader *r, struct taker *to,
                            const struct cursor_key *key, size_t asked)
{
    struct cursor_row handed = {.key = *key, .asked = asked, .failure = r->why.text};
    handed.id = broken_id(r, key);
    handed.placed =
        wall_parse(key->time.p, key->time.len, r->s->config->source.local.zone, &handed.time);
    to->placed += handed.placed;
    to->wanted = to->take(to->arg, &handed);
}

enum unusable pg_cursor_fill(void *arg, struct batch *batch, struct event *event)
{
    const struct pg_cursor_reader *r = arg;
    return pg_row_fill(r->s, r->rows, r->row, batch, event);
}

/* Looks at a statement's result. STATUS_INVALID, and the reason in r->why: the database fails at a
 * row. */
static int check(struct pg_cursor_reader *r, PGresult **out, struct error *err)
{
    int status = STATUS_OK;
    if (PQresultStatus(*out) != PGRES_TUPLES_OK) {
        status = pg_broken_is_why(*out) ? STATUS_INVALID : STATUS_IO;
        (void)pg_error(r->s->db, *out, doing, err);
        if (status == STATUS_INVALID) {
            (void)pg_error(r->s->db, *out, "it cannot be read", &r->why);
        }
        PQclear(*out);
        *out = NULL;
    }
    return status;
}

static int run(struct pg_cursor_reader *r, struct pg_cursor_statement *statement,
               const char *const *parameters, PGresult **out, struct error *err)
{
    pg_cursor_reader_settle(r);
    *out = pg_cursor_table_run(r->s, statement, parameters);
    return check(r, out, err);
}

/* ---- Rows of keys ---- */

/* An array of texts, as PostgreSQL reads it. */
static void put_array(struct buf *out, const struct cursor_key *keys, size_t count, bool times,
                      bool escapes)
{
    struct buf parameter = {0};
    for (size_t i = 0; i < count; i++) {
        buf_clear(&parameter);
        pg_cursor_table_parameter(&parameter, times ? keys[i].time : keys[i].id, escapes);
        const struct str text = buf_str(&parameter);
        buf_append_text(out, i != 0 ? ",\"" : "{\"");
        for (size_t k = 0; k < text.len; k++) {
            if (text.p[k] == '"' || text.p[k] == '\\') {
                buf_append_char(out, '\\');
            }
            buf_append_char(out, text.p[k]);
        }
        buf_append_char(out, '"');
    }
    buf_append_char(out, '}');
    buf_free(&parameter);
}

static int read_keys(struct pg_cursor_reader *r, const struct cursor_key *keys, size_t count,
                     PGresult **out, struct error *err)
{
    char bytes[32];
    struct buf arrays[2] = {{0}};
    snprintf(bytes, sizeof bytes, "%d", BATCH_BYTES_MAX);
    put_array(&arrays[0], keys, count, true, r->table.time_escapes);
    put_array(&arrays[1], keys, count, false, r->table.id_escapes);
    const char *const parameters[] = {buf_cstr(&arrays[0]), buf_cstr(&arrays[1]), bytes};
    const int status = run(r, &r->table.keys, parameters, out, err);
    buf_free(&arrays[0]);
    buf_free(&arrays[1]);
    return status;
}

/* Keys that are looked for. */
struct finding {
    struct pg_cursor_reader *r;
    struct taker *to;
    const struct cursor_key *keys;
};

static void hand_out_found(const struct finding *f, const PGresult *rows, size_t from, size_t *last)
{
    const int number = time_column(f->r, rows) + 1;
    for (int i = 0; i < PQntuples(rows) && f->to->wanted; i++) {
        *last = from + (size_t)pg_value_int64(rows, i, number) - 1;
        hand_out(f->r, f->to, rows, i, *last);
    }
}

/* Those from `from` up to `to`. Where the database fails, each half is looked for by itself. */
static int find_between(const struct finding *f, size_t from, size_t to, struct error *err)
{
    int status = STATUS_OK;
    while (status == STATUS_OK && from < to && f->to->wanted) {
        PGresult *rows = NULL;
        size_t last = to - 1;
        status = read_keys(f->r, f->keys + from, to - from, &rows, err);
        if (status == STATUS_OK) {
            hand_out_found(f, rows, from, &last);
            from = pg_rows_are_full(rows) ? last + 1 : to;
        } else if (status == STATUS_INVALID && to - from == 1) {
            hand_out_broken(f->r, f->to, &f->keys[from], from);
            from = to;
            status = STATUS_OK;
        } else if (status == STATUS_INVALID) {
            const size_t middle = from + (to - from) / 2;
            status = find_between(f, from, middle, err);
            from = middle;
        }
        PQclear(rows);
    }
    return status;
}

int pg_cursor_find(void *arg, const struct cursor_key *keys, size_t count, cursor_take *take,
                   void *take_arg, struct error *err)
{
    struct taker to = {.take = take, .arg = take_arg, .wanted = true};
    const struct finding f = {.r = arg, .to = &to, .keys = keys};
    int status = STATUS_OK;
    for (size_t i = 0; i < count && to.wanted && status == STATUS_OK; i += FIND_KEYS) {
        status = find_between(&f, i, i + FIND_KEYS < count ? i + FIND_KEYS : count, err);
    }
    return status;
}

/* ---- Pages of a range ---- */

/* A range that is read page by page. */
struct scan {
    struct pg_cursor_reader *r;
    const struct cursor_range *range;
    struct taker to;
    bool begun; /* A page was read: the next one begins behind `time` and `id`. */
    struct buf time;
    struct buf id;
    bool no_id; /* The last row has none: the next one begins behind its time. */
};

/* The parameter with a NUL behind it, as libpq wants it. */
static const char *terminated(struct buf *out, struct str part, bool escapes)
{
    buf_clear(out);
    pg_cursor_table_parameter(out, part, escapes);
    return buf_cstr(out);
}

/* The parameters of a page, and the memory that they are in. */
struct page {
    struct pg_cursor_statement *statement;
    const char *parameters[6];
    struct buf texts[4];
    char rows[32];
    char bytes[32];
};

static void page_init(struct page *p, const struct scan *s, enum pg_cursor_shape shape,
                      size_t limit)
{
    const struct cursor_range *range = s->range;
    const bool times = s->r->table.time_escapes;
    const bool ids = s->r->table.id_escapes;
    enum pg_cursor_start start = PG_CURSOR_FIRST;
    *p = (struct page){.parameters = {NULL, NULL, NULL, NULL, p->rows, p->bytes}};
    if (s->begun || range->after != NULL) {
        start = s->begun && s->no_id ? PG_CURSOR_BEHIND_TIME : PG_CURSOR_BEHIND_KEY;
        p->parameters[0] =
            terminated(&p->texts[0], s->begun ? buf_str(&s->time) : range->after->time, times);
    }
    if (start == PG_CURSOR_BEHIND_KEY) {
        p->parameters[1] =
            terminated(&p->texts[1], s->begun ? buf_str(&s->id) : range->after->id, ids);
    }
    if (range->until != NULL) {
        p->parameters[2] = terminated(&p->texts[2], range->until->time, times);
        p->parameters[3] = terminated(&p->texts[3], range->until->id, ids);
    }
    snprintf(p->rows, sizeof p->rows, "%zu", limit);
    snprintf(p->bytes, sizeof p->bytes, "%zu",
             shape == PG_CURSOR_NARROW ? BATCH_BYTES_MAX / limit : (size_t)BATCH_BYTES_MAX);
    p->statement = &s->r->table.ranges[shape][start][range->until != NULL];
}

static void page_free(struct page *p)
{
    for (size_t i = 0; i < 4; i++) {
        buf_free(&p->texts[i]);
    }
}

/* True when it is the page that was asked for. */
static bool was_asked(const struct pg_cursor_reader *r, const struct page *p,
                      enum pg_cursor_shape shape, size_t limit)
{
    return r->asked && shape == r->asked_shape && limit == PAGE_ROWS &&
           p->statement == &r->table.ranges[shape][PG_CURSOR_BEHIND_KEY][0] &&
           str_equal(buf_str(&p->texts[0]), buf_str(&r->asked_time)) &&
           str_equal(buf_str(&p->texts[1]), buf_str(&r->asked_id));
}

static int read_page(const struct scan *s, enum pg_cursor_shape shape, size_t limit, PGresult **out,
                     struct error *err)
{
    struct pg_cursor_reader *r = s->r;
    struct page p;
    int status;
    page_init(&p, s, shape, limit);
    if (was_asked(r, &p, shape, limit)) {
        r->asked = false;
        *out = pg_cursor_table_receive(r->s);
        status = check(r, out, err);
    } else {
        status = run(r, p.statement, p.parameters, out, err);
    }
    page_free(&p);
    return status;
}

/* Asks for the next page, which the next read most likely wants. */
static void ask_ahead(const struct scan *s, enum pg_cursor_shape shape)
{
    struct pg_cursor_reader *r = s->r;
    struct page p;
    page_init(&p, s, shape, PAGE_ROWS);
    r->asked = pg_cursor_table_send(r->s, p.statement, p.parameters);
    r->asked_shape = shape;
    buf_clear(&r->asked_time);
    buf_clear(&r->asked_id);
    buf_append_str(&r->asked_time, buf_str(&s->time));
    buf_append_str(&r->asked_id, buf_str(&s->id));
    page_free(&p);
}

/* The shape that pages of whole rows have now (pg_rows.h). */
static enum pg_cursor_shape whole_shape(const struct pg_cursor_reader *r)
{
    return pg_page_statement(r->s) == PG_STATEMENT_NARROW ? PG_CURSOR_NARROW : PG_CURSOR_WHOLE;
}

static int read_whole_page(const struct scan *s, size_t limit, PGresult **out, struct error *err)
{
    int status = read_page(s, whole_shape(s->r), limit, out, err);
    if (status == STATUS_OK && !pg_page_is_whole(s->r->s, *out, time_column(s->r, *out) + 1)) {
        PQclear(*out);
        status = read_page(s, PG_CURSOR_WHOLE, limit, out, err);
    }
    return status;
}

/* The key of a row of a page. escaped: its shape is PG_CURSOR_ESCAPED. */
static struct cursor_key key_at(const struct pg_cursor_reader *r, const PGresult *rows, int row,
                                bool escaped, struct pg_cursor_scratch *scratch)
{
    const int time_at = time_column(r, rows);
    struct cursor_key key = pg_cursor_key(rows, row, time_at, scratch);
    if (escaped && r->table.time_escapes) {
        key.time = pg_value_text(rows, row, time_at);
    }
    if (escaped && r->table.id_escapes) {
        key.id = pg_value_text(rows, row, EVENT_ID);
    }
    return key;
}

/* The next page begins behind the last row of this one. */
static void go_on_behind(struct scan *s, const PGresult *rows, bool escaped)
{
    struct pg_cursor_scratch scratch = {0};
    const struct cursor_key last = key_at(s->r, rows, PQntuples(rows) - 1, escaped, &scratch);
    buf_clear(&s->time);
    buf_clear(&s->id);
    buf_append_str(&s->time, last.time);
    buf_append_str(&s->id, last.id);
    s->begun = true;
    s->no_id = last.id.p == NULL;
    pg_cursor_scratch_free(&scratch);
}

/* The rows of a page whose keys were read, but for those without an id, which are not usable. */
static int find_page(struct scan *s, const PGresult *rows, bool escaped, struct error *err)
{
    const int count = PQntuples(rows);
    struct cursor_key *keys = x_calloc((size_t)count + 1, sizeof *keys);
    struct pg_cursor_scratch *texts = x_calloc((size_t)count + 1, sizeof *texts);
    const struct finding f = {.r = s->r, .to = &s->to, .keys = keys};
    size_t found = 0;
    for (int i = 0; i < count; i++) {
        keys[found] = key_at(s->r, rows, i, escaped, &texts[i]);
        found += keys[found].id.p != NULL;
    }
    int status = STATUS_OK;
    for (size_t i = 0; i < found && s->to.wanted && status == STATUS_OK; i += FIND_KEYS) {
        status = find_between(&f, i, i + FIND_KEYS < found ? i + FIND_KEYS : found, err);
    }
    for (int i = 0; i < count; i++) {
        pg_cursor_scratch_free(&texts[i]);
    }
    free(texts);
    free(keys);
    return status;
}

/* The rows of a page at one of which the database fails. */
static int broken_page(struct scan *s, size_t limit, bool *more, struct error *err)
{
    const struct pg_cursor_table *table = &s->r->table;
    PGresult *keys = NULL;
    int status = read_page(s, PG_CURSOR_KEYS, limit, &keys, err);
    const bool escaped = status == STATUS_INVALID && (table->time_escapes || table->id_escapes);
    if (escaped) {
        status = read_page(s, PG_CURSOR_ESCAPED, limit, &keys, err);
    }
    if (status != STATUS_OK) {
        return STATUS_IO;
    }
    *more = (size_t)PQntuples(keys) == limit;
    status = find_page(s, keys, escaped, err);
    if (*more) {
        go_on_behind(s, keys, escaped);
    }
    PQclear(keys);
    return status;
}

/* Reads a page and hands it out. *more: there may be another one. */
static int next_page(struct scan *s, bool *more, struct error *err)
{
    const struct cursor_range *range = s->range;
    const bool ahead = !range->keys_only && range->until == NULL && range->max_rows == PAGE_ROWS;
    const size_t left = range->max_rows - s->to.placed;
    const size_t most = range->keys_only ? KEYS_PAGE_ROWS : PAGE_ROWS;
    const size_t limit = ahead || left > most ? most : left;
    PGresult *rows = NULL;
    const int status = range->keys_only ? read_page(s, PG_CURSOR_KEYS, limit, &rows, err)
                                        : read_whole_page(s, limit, &rows, err);
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? broken_page(s, limit, more, err) : STATUS_IO;
    }
    const int count = PQntuples(rows);
    *more = (size_t)count == limit || (!range->keys_only && pg_rows_are_full(rows));
    if (*more && count != 0) {
        go_on_behind(s, rows, false);
    }
    if (*more && ahead && !s->no_id && !s->r->s->pooled) {
        ask_ahead(s, whole_shape(s->r));
    }
    for (int i = 0; i < count && s->to.wanted; i++) {
        hand_out(s->r, &s->to, rows, i, 0);
    }
    PQclear(rows);
    return STATUS_OK;
}

int pg_cursor_scan(void *arg, const struct cursor_range *range, cursor_take *take, void *take_arg,
                   bool *more, struct error *err)
{
    struct scan s = {
        .r = arg, .range = range, .to = {.take = take, .arg = take_arg, .wanted = true}};
    bool next = true;
    int status = STATUS_OK;
    while (next && status == STATUS_OK && s.to.wanted && s.to.placed < range->max_rows) {
        status = next_page(&s, &next, err);
    }
    *more = s.to.placed >= range->max_rows;
    buf_free(&s.time);
    buf_free(&s.id);
    return status;
}

int pg_cursor_newest(void *arg, size_t behind, wall_time *time, bool *found, struct error *err)
{
    struct pg_cursor_reader *r = arg;
    char offset[32];
    snprintf(offset, sizeof offset, "%zu", behind);
    const char *const parameters[] = {offset};
    PGresult *rows = NULL;
    const int status = run(r, &r->table.newest, parameters, &rows, err);
    *found = false;
    if (status == STATUS_OK && PQntuples(rows) == 1) {
        const int time_at = time_column(r, rows);
        const struct cursor_key key = pg_cursor_key(rows, 0, time_at, &r->scratch);
        *found = pg_cursor_time(rows, 0, time_at, &key, r->s->config->source.local.zone, time);
    }
    PQclear(rows);
    /* A row at which the database fails has no time, either. */
    return status == STATUS_INVALID ? STATUS_OK : status;
}
