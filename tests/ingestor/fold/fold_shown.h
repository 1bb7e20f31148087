/* SPDX-License-Identifier: Apache-2.0 */
/* All that a fold shows, as lines that can be compared with those of another. */
#ifndef TESTS_INGESTOR_FOLD_FOLD_SHOWN_H
#define TESTS_INGESTOR_FOLD_FOLD_SHOWN_H

#include "common/codec/mp_patch.h"
#include "tests/ingestor/fold/fold_unit.h"

/* Everything that is shown, sorted by key. */
struct shown {
    struct buf lines[64];
    size_t count;
};

static inline void show(void *arg, const struct fold_output *output)
{
    struct shown *shown = arg;
    struct mp_doc doc;
    if (output->removed) {
        return;
    }
    struct buf *line = &shown->lines[shown->count++];
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, output->value.p, output->value.len), STATUS_OK);
    buf_append_str(line, output->key);
    buf_printf(line, " %d %llu %llu ", output->tally.known, (unsigned long long)output->tally.rows,
               (unsigned long long)output->tally.digest);
    json_write_value(line, mp_get(&doc.root, "data"));
    (void)buf_cstr(line);
    mp_doc_free(&doc);
}

static inline int compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct buf *)a)->data, ((const struct buf *)b)->data);
}

static inline void show_all(struct fold_test *t, struct shown *shown)
{
    *shown = (struct shown){.count = 0};
    flush(t);
    pass_ms(t, 0);
    flush(t);
    fold_republish(t->fold);
    fold_flush(t->fold, t->now, show, shown);
    qsort(shown->lines, shown->count, sizeof *shown->lines, compare_lines);
}

static inline void hide_all(struct shown *shown)
{
    for (size_t i = 0; i < shown->count; i++) {
        buf_free(&shown->lines[i]);
    }
}

/* The data of a backlog's breakdown has its members in the order of their coming. */
static inline bool same_line(const char *a, const char *b)
{
    struct buf x = {0};
    struct buf y = {0};
    struct json_value *i;
    struct json_value *k;
    const char *ja = strchr(a, '{');
    const char *jb = strchr(b, '{');
    if (ja - a != jb - b || strncmp(a, b, (size_t)(ja - a)) != 0) {
        return false;
    }
    struct mp_doc dx;
    struct mp_doc dy;
    assert_int_equal(json_parse(str_of(ja), SIZE_MAX, &i), STATUS_OK);
    assert_int_equal(json_parse(str_of(jb), SIZE_MAX, &k), STATUS_OK);
    json_to_mp(&x, i);
    json_to_mp(&y, k);
    mp_doc_init(&dx);
    mp_doc_init(&dy);
    assert_int_equal(mp_parse(&dx, x.data, x.len), STATUS_OK);
    assert_int_equal(mp_parse(&dy, y.data, y.len), STATUS_OK);
    const bool same = mp_equal(&dx.root, &dy.root, 0);
    mp_doc_free(&dx);
    mp_doc_free(&dy);
    json_free(i);
    json_free(k);
    buf_free(&x);
    buf_free(&y);
    return same;
}

#endif
