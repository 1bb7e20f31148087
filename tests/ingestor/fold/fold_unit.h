/* SPDX-License-Identifier: Apache-2.0 */
/* A fold under test: a configuration as text, events as text, and the values that come out, as
 * JSON. */
#ifndef TESTS_INGESTOR_FOLD_FOLD_UNIT_H
#define TESTS_INGESTOR_FOLD_FOLD_UNIT_H

#include <stdio.h>

#include "common/codec/json.h"
#include "ingestor/fold/fold.h"
#include "tests/unit.h"

#define START_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z: a whole minute */

struct fold_test {
    struct config *config;
    struct fold *fold;
    struct moment now;
    int64_t next_id;
    char key[512];      /* of the last output of the wanted tile */
    char *json;         /* its data */
    struct tally tally; /* of the last output of the wanted tile */
    size_t outputs;     /* all, since the last flush */
    size_t removed;
    size_t keyframes;
};

/* With more keys of the source: ", time_zone: Europe/Berlin". */
static inline void fold_test_init_in(struct fold_test *t, const char *source_keys,
                                     const char *tiles)
{
    *t = (struct fold_test){.now = {{START_US}, {1000000000}}, .next_id = 1};
    struct buf text = {0};
    buf_printf(&text, "source: {uri: \"sqlite:x.db\"%s}\ntiles:\n%s", source_keys, tiles);
    struct error err = {{0}};
    if (config_parse(text.data, text.len, "test.yaml", &t->config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&text);
    t->fold = fold_create(t->config, UINT64_MAX);
}

static inline void fold_test_init(struct fold_test *t, const char *tiles)
{
    fold_test_init_in(t, "", tiles);
}

static inline void fold_test_free(struct fold_test *t)
{
    fold_destroy(&t->fold);
    config_destroy(&t->config);
    free(t->json);
}

/* Lets time pass, on both clocks. */
static inline void pass_ms(struct fold_test *t, int64_t ms)
{
    t->now.wall.us += ms * US_PER_MS;
    t->now.mono.us += ms * US_PER_MS;
    fold_advance(t->fold, t->now);
}

static inline void fold_at(struct fold_test *t, int64_t id, int64_t at_ms, const char *type,
                           const char *target, const char *payload)
{
    const struct event event = {.id = {.number = id},
                                .ordinal = (uint64_t)id,
                                .timestamp = {START_US + at_ms * US_PER_MS},
                                .arrival = t->now.wall,
                                .event_type = str_of(type),
                                .target_id = str_of(target),
                                .payload = str_of(payload)};
    fold_event(t->fold, &event, t->now);
}

/* A row of now, with the next id. */
static inline void fold_now(struct fold_test *t, const char *type, const char *target,
                            const char *payload)
{
    fold_at(t, t->next_id++, (t->now.wall.us - START_US) / US_PER_MS, type, target, payload);
}

static inline void take_output(void *arg, const struct fold_output *output)
{
    struct fold_test *t = arg;
    t->outputs++;
    t->removed += output->removed;
    t->keyframes += output->keyframe;
    if (t->key[0] != '\0' && !str_is(output->key, t->key)) {
        return;
    }
    free(t->json);
    t->json = NULL;
    t->tally = output->tally;
    if (output->removed) {
        return;
    }
    struct mp_doc doc;
    struct buf json = {0};
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, output->value.p, output->value.len), STATUS_OK);
    json_write_value(&json, mp_get(&doc.root, "data"));
    (void)buf_cstr(&json);
    t->json = buf_take(&json);
    mp_doc_free(&doc);
}

static inline void flush(struct fold_test *t)
{
    t->outputs = 0;
    t->removed = 0;
    t->keyframes = 0;
    fold_flush(t->fold, t->now, take_output, t);
}

/* The data of a tile now, whatever its policy. Valid until the next. */
static inline const char *data_of(struct fold_test *t, const char *key)
{
    snprintf(t->key, sizeof t->key, "%s", key);
    free(t->json);
    t->json = NULL;
    fold_republish(t->fold);
    flush(t);
    t->key[0] = '\0';
    return t->json != NULL ? t->json : "";
}

#endif
