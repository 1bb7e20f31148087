/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a bus: the ingestor and the oracle, which read them by code of their own, make the
 * same event of each, or none. Input: a byte that says which configuration; the key, in a line;
 * headers, `name:value`, a line each; an empty line; the value. A line that is empty is no key. */
#include <string.h>

#include "common/base/error.h"
#include "ctl/oracle/message.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/message/message.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS_MAX 8
#define AT_MS INT64_C(1795410721000)

struct input {
    struct str key;
    struct str names[HEADERS_MAX];
    struct str values[HEADERS_MAX];
    size_t headers;
    struct str value;
};

static const char *const sources[] = {
    "",
    "  fields: {event_type: header.kind, target_id: key, timestamp: value.at, payload: value.p.q,\n"
    "    a: value.items.0, b: topic, c: partition}\n",
    "  fields: {event_type: key, actor_id: value.n, payload: header.p, summary: null}\n",
    "  format: cloudevents\n",
    "  format: cloudevents\n  fields: {payload: ce.ext, a: value, b: ce.id, target_id: value.x}\n",
    "  format: debezium\n",
    "  format: debezium\n  fields: {event_type: value.after.state, payload: change.time,\n"
    "    a: change.type, summary: value.source, target_id: change.row.id}\n",
};
#define SOURCES (sizeof sources / sizeof sources[0])

/* Parsed once. */
static const struct config *configured(unsigned which)
{
    static struct config *configs[SOURCES];
    if (configs[which] == NULL) {
        struct error err;
        struct buf text = {0};
        buf_append_text(&text, "source:\n  uri: kafka://b:9092/orders\n");
        buf_append_text(&text, sources[which]);
        FUZZ_CHECK(config_parse(text.data, text.len, "t.yaml", &configs[which], &err) == STATUS_OK);
        buf_free(&text);
    }
    return configs[which];
}

static void take_input(struct str rest, struct input *out)
{
    const struct str key = fuzz_take_line(&rest);
    struct str line;
    *out = (struct input){.key = key.len != 0 ? key : STR_NULL};
    while ((line = fuzz_take_line(&rest)).len != 0) {
        const struct str name = fuzz_take_until(&line, ':');
        if (out->headers < HEADERS_MAX) {
            out->names[out->headers] = name;
            out->values[out->headers++] = line;
        }
    }
    out->value = rest.len != 0 ? rest : STR_NULL;
}

static struct str last_header(const struct input *input, struct str name)
{
    struct str found = STR_NULL;
    for (size_t i = 0; i < input->headers; i++) {
        found = str_equal(input->names[i], name) ? input->values[i] : found;
    }
    return found;
}

static struct str header_for_fold(void *arg, const char *prefix, struct str name)
{
    struct buf whole = {0};
    buf_append_text(&whole, prefix);
    buf_append_str(&whole, name);
    const struct str found = last_header(arg, buf_str(&whole));
    buf_free(&whole);
    return found;
}

static struct str header_for_oracle(const struct oracle_message *message, const char *name)
{
    return last_header(message->data, str_of(name));
}

/* The oracle's checks of a row are those of oracle_add_event. */
static bool is_row(const struct config_source *source, const struct str *texts, bool timed)
{
    bool fits = timed && texts[EVENT_TYPE].p != NULL;
    for (size_t i = EVENT_TYPE; i < oracle_column_count(source); i++) {
        fits = fits && texts[i].len <= ORACLE_TEXT_MAX;
    }
    return fits;
}

static void check_same_event(const struct config_source *source, const struct event *event,
                             const struct str *texts, int64_t us)
{
    FUZZ_CHECK(event->timestamp.us == us);
    for (size_t i = EVENT_TYPE; i < EVENT_FIELDS; i++) {
        const struct str *text = (const void *)((const char *)event + columns_member_at[i]);
        FUZZ_CHECK(str_equal(*text, texts[i]));
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        FUZZ_CHECK(str_equal(event->extras[i].value, texts[EVENT_FIELDS + i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = fuzz_text(data, len);
    const struct config_source *source =
        &configured(fuzz_take_byte(&rest) % (unsigned)SOURCES)->source;
    struct input input;
    take_input(rest, &input);

    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    struct arena *memory = arena_create();
    bool timed = false;
    int64_t us = 0;
    const struct oracle_message theirs = {STR("orders"),     3,     input.key, input.value, AT_MS,
                                          header_for_oracle, &input};
    const enum oracle_message_kind kind =
        oracle_message_read(source, &theirs, memory, texts, &timed, &us);
    const bool row = kind == ORACLE_MESSAGE_ROW && is_row(source, texts, timed);

    struct message_reader *reader = message_reader_create(source);
    struct batch *batch = batch_create(source->extra_count);
    const struct message ours = {STR("orders"),   3,     input.key, input.value, {AT_MS * 1000},
                                 header_for_fold, &input};
    enum unusable why;
    const enum message_verdict verdict =
        message_fill(reader, &ours, batch, batch_event(batch), &why);
    FUZZ_CHECK((verdict == MESSAGE_NOTHING) == (kind == ORACLE_MESSAGE_NOTHING));
    FUZZ_CHECK((verdict == MESSAGE_USABLE) == row);
    if (row) {
        fuzz_took();
        batch_finish(batch, STR(""), STR(""));
        check_same_event(source, &batch->events[0], texts, us);
    }
    batch_destroy(&batch);
    message_reader_destroy(&reader);
    arena_destroy(&memory);
    return 0;
}
