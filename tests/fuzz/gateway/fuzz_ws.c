/* SPDX-License-Identifier: Apache-2.0 */
/* What a WebSocket's client sends: however its bytes come, the same is made of them, and each
 * message is a request with a selection, or gets a sentence. Input: how many bytes come at a time,
 * and the bytes. */
#include "common/base/error.h"
#include "common/base/utf8.h"
#include "gateway/ws/input.h"
#include "gateway/ws/request.h"
#include "tests/fuzz/fuzz.h"

#define MAX_MESSAGE 300

/* What was called, with what. */
struct trace {
    struct buf text;
    bool over; /* nothing may follow */
};

static bool note(void *arg, char what, struct str payload)
{
    struct trace *trace = arg;
    FUZZ_CHECK(!trace->over);
    buf_printf(&trace->text, "%c%zu:", what, payload.len);
    buf_append_str(&trace->text, payload);
    return true;
}

static bool on_frame(void *arg)
{
    return note(arg, 'f', STR(""));
}

/* An added selection has the patterns, and a removed one lacks them. */
static void check_request(struct trace *trace, const struct ws_request *request)
{
    struct selection added;
    struct selection removed;
    if (ws_selection_add(NULL, buf_str(&request->subscribe), &added) == STATUS_OK) {
        fuzz_took();
        note(trace, 's', str_of(added.text));
        if (ws_selection_remove(&added, buf_str(&request->unsubscribe), &removed) == STATUS_OK) {
            FUZZ_CHECK(removed.count <= added.count || added.count == 0);
            selection_free(&removed);
        }
        selection_free(&added);
    }
}

static bool on_message(void *arg, struct str text)
{
    struct ws_request request;
    struct error err = {{0}};
    FUZZ_CHECK(text.len <= MAX_MESSAGE && utf8_valid(text));
    note(arg, 'm', text);
    if (ws_request_parse(text, &request, &err) == STATUS_OK) {
        check_request(arg, &request);
        ws_request_free(&request);
    } else {
        FUZZ_CHECK(err.text[0] != '\0');
    }
    return true;
}

static bool on_ping(void *arg, struct str payload)
{
    FUZZ_CHECK(payload.len <= WS_CONTROL_MAX);
    return note(arg, 'p', payload);
}

static bool on_close(void *arg, enum ws_code code)
{
    FUZZ_CHECK(code == WS_CODE_NONE || ws_code_valid(code));
    note(arg, 'c', STR(""));
    ((struct trace *)arg)->over = true;
    return false;
}

static void on_wrong(void *arg, enum ws_code code, const char *reason)
{
    FUZZ_CHECK(ws_code_valid(code) && strlen(reason) <= WS_CONTROL_MAX - 2);
    note(arg, 'w', str_of(reason));
    ((struct trace *)arg)->over = true;
}

static void feed(struct str input, size_t at_a_time, struct trace *trace)
{
    const struct ws_handler handler = {on_frame, on_message, on_ping, on_close, on_wrong, trace};
    struct ws_parser *parser = ws_parser_create();
    struct ws_partial partial = {0};
    while (input.len != 0 && !trace->over) {
        const size_t len = at_a_time < input.len ? at_a_time : input.len;
        ws_input(parser, &partial, (struct str){input.p, len}, MAX_MESSAGE, &handler);
        input = (struct str){input.p + len, input.len - len};
        FUZZ_CHECK(partial.message.len <= MAX_MESSAGE && partial.raw.len <= MAX_MESSAGE + 14);
    }
    ws_partial_free(&partial);
    ws_parser_destroy(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    const size_t at_a_time = 1 + fuzz_take_byte(&input);
    struct trace whole = {0};
    struct trace pieces = {0};
    feed(input, SIZE_MAX, &whole);
    feed(input, at_a_time, &pieces);
    fuzz_check_same(&whole.text, &pieces.text);
    buf_free(&whole.text);
    buf_free(&pieces.text);
    return 0;
}
