/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client frames: however the bytes come, the same is made of them; and of any bytes something is
 * made, within bounds.
 */
#include "tests/unit.h"

#include <stdio.h>

#include "gateway/ws/input.h"

#define MAX_MESSAGE 200
#define TRIALS 3000

struct trace {
    struct buf text; /* what was called, with what */
    bool over;       /* nothing may follow */
};

static void note(struct trace *trace, const char *what, struct str payload)
{
    assert_false(trace->over);
    buf_printf(&trace->text, "%s %zu:", what, payload.len);
    buf_append_str(&trace->text, payload);
    buf_append_char(&trace->text, '\n');
}

static bool on_frame(void *arg)
{
    note(arg, "frame", STR(""));
    return true;
}

static bool on_any(void *arg, struct str text)
{
    note(arg, "message", text);
    return true;
}

static bool on_message(void *arg, struct str text)
{
    assert_true(text.len <= MAX_MESSAGE);
    return on_any(arg, text);
}

static bool on_ping(void *arg, struct str payload)
{
    assert_true(payload.len <= WS_CONTROL_MAX);
    note(arg, "ping", payload);
    return true;
}

static bool on_close(void *arg, enum ws_code code)
{
    struct trace *trace = arg;
    assert_true(code == WS_CODE_NONE || ws_code_valid(code));
    note(trace, "close", STR(""));
    trace->over = true;
    return false;
}

static void on_wrong(void *arg, enum ws_code code, const char *reason)
{
    struct trace *trace = arg;
    char what[16];
    snprintf(what, sizeof what, "wrong %u", (unsigned)code);
    assert_true(strlen(reason) <= WS_CONTROL_MAX - 2);
    note(trace, what, str_of(reason));
    trace->over = true;
}

static uint32_t below(uint32_t *random, uint32_t limit)
{
    *random = *random * 1664525U + 1013904223U;
    return (uint32_t)(((uint64_t)(*random >> 8) * limit) >> 24);
}

/* A frame that is mostly right. */
static void append_frame(struct buf *out, uint32_t *random)
{
    static const unsigned char opcodes[] = {WS_TEXT, WS_TEXT,  WS_CONTINUATION, WS_PING,
                                            WS_PONG, WS_CLOSE, WS_BINARY,       5};
    const bool rare = below(random, 12) == 0;
    const unsigned char opcode = opcodes[below(random, rare ? 8 : 5)];
    const unsigned char fin = below(random, 3) != 0 || (opcode >= WS_CLOSE && !rare) ? 0x80 : 0;
    const size_t len = below(random, rare ? 300 : 130);
    unsigned char head[14] = {(unsigned char)(fin | opcode)};
    size_t size = 2;
    if (len <= WS_CONTROL_MAX) {
        head[1] = (unsigned char)len;
    } else {
        head[1] = 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        size = 4;
    }
    head[1] |= below(random, 50) != 0 ? 0x80 : 0;
    for (size_t i = 0; i < 4; i++) {
        head[size++] = (unsigned char)below(random, 256);
    }
    buf_append(out, head, size);
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = below(random, 500) == 0 ? 0xff : 'a' + (unsigned char)(i % 26);
        buf_append_char(out, (char)(c ^ head[size - 4 + i % 4]));
    }
}

/* Bytes in pieces of at most that many. */
static void feed(struct str bytes, uint32_t piece, uint32_t *random, struct trace *trace)
{
    const struct ws_handler handler = {on_frame, on_message, on_ping, on_close, on_wrong, trace};
    struct ws_parser *parser = ws_parser_create();
    struct ws_partial partial = {0};
    while (bytes.len != 0 && !trace->over) {
        size_t len = 1 + below(random, piece);
        len = len < bytes.len ? len : bytes.len;
        ws_input(parser, &partial, (struct str){bytes.p, len}, MAX_MESSAGE, &handler);
        bytes = (struct str){bytes.p + len, bytes.len - len};
        assert_true(partial.message.len <= MAX_MESSAGE);
        assert_true(trace->over || partial.raw.len < MAX_MESSAGE + 14);
    }
    ws_partial_free(&partial);
    ws_parser_destroy(&parser);
}

static void compare(struct str bytes, uint32_t *random)
{
    static const uint32_t pieces[] = {1, 3, 40, 1000000};
    struct trace whole = {0};
    feed(bytes, 1000000, random, &whole);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct trace parts = {0};
        feed(bytes, pieces[i], random, &parts);
        assert_true(str_equal(buf_str(&whole.text), buf_str(&parts.text)));
        buf_free(&parts.text);
    }
    buf_free(&whole.text);
}

static void the_same_however_it_comes(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int i = 0; i < TRIALS; i++) {
        struct buf bytes = {0};
        for (uint32_t k = 1 + below(&random, 12); k != 0; k--) {
            append_frame(&bytes, &random);
        }
        compare(buf_str(&bytes), &random);
        buf_free(&bytes);
    }
}

static void any_bytes(void **state)
{
    (void)state;
    uint32_t random = 2;
    for (int i = 0; i < TRIALS; i++) {
        char bytes[64];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (char)below(&random, 256);
        }
        compare((struct str){bytes, sizeof bytes}, &random);
    }
}

/* More than the parser's library takes at a time, and all bytes of a length. */
static void large_messages(void **state)
{
    (void)state;
    static const size_t lengths[] = {125, 126, 4080, 4096, 5000, 65535, 65536, 100000};
    struct ws_parser *parser = ws_parser_create();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t len = lengths[i];
        struct buf frame = {0};
        ws_frame_append(&frame, WS_TEXT, STR("")); /* its first byte */
        frame.len = 1;
        const size_t bytes = len <= 125 ? 0 : len <= UINT16_MAX ? 2 : 8;
        buf_append_char(&frame, (char)(0x80 | (bytes == 0 ? len : bytes == 2 ? 126 : 127)));
        for (size_t k = bytes; k != 0; k--) {
            buf_append_char(&frame, (char)(len >> (8 * (k - 1))));
        }
        buf_append(&frame, "\0\0\0\0", 4);
        memset(buf_reserve(&frame, len), 'x', len);
        frame.len += len;
        for (size_t max = len - 1; max <= len; max++) {
            char expected[48];
            struct trace trace = {0};
            struct ws_partial partial = {0};
            const struct ws_handler handler = {on_frame, on_any,   on_ping,
                                               on_close, on_wrong, &trace};
            if (max < len) {
                snprintf(expected, sizeof expected, "wrong 1009");
            } else {
                snprintf(expected, sizeof expected, "message %zu:xxx", len);
            }
            ws_input(parser, &partial, buf_str(&frame), max, &handler);
            assert_non_null(memmem(trace.text.data, trace.text.len, expected, strlen(expected)));
            assert_true(ws_partial_empty(&partial) || max < len);
            ws_partial_free(&partial);
            buf_free(&trace.text);
        }
        buf_free(&frame);
    }
    ws_parser_destroy(&parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_however_it_comes),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(large_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
