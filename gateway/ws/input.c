/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/input.h"

#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

#include "common/base/utf8.h"
#include "common/base/xalloc.h"

struct ws_parser {
    wslay_frame_context_ptr wslay; /* NULL, or between two frames */
    struct str input;              /* what it has not read yet */
    struct buf payload;            /* scratch: of the frame that is read */
};

/* A frame that is whole. */
struct frame {
    enum ws_opcode opcode;
    bool fin;
    struct str payload;
};

enum outcome { FRAME_WHOLE, FRAME_INCOMPLETE, FRAME_WRONG };

struct ws_parser *ws_parser_create(void)
{
    return x_calloc(1, sizeof(struct ws_parser));
}

static void forget_state(struct ws_parser *parser)
{
    if (parser->wslay != NULL) {
        wslay_frame_context_free(parser->wslay);
        parser->wslay = NULL;
    }
}

void ws_parser_destroy(struct ws_parser **parser)
{
    if (*parser != NULL) {
        forget_state(*parser);
        buf_free(&(*parser)->payload);
        free(*parser);
        *parser = NULL;
    }
}

bool ws_partial_empty(const struct ws_partial *partial)
{
    return partial->raw.len == 0 && !partial->in_message;
}

void ws_partial_free(struct ws_partial *partial)
{
    buf_free(&partial->raw);
    buf_free(&partial->message);
    *partial = (struct ws_partial){0};
}

/* ---- One frame ---- */

static ssize_t on_read(uint8_t *out, size_t len, int flags, void *arg)
{
    (void)flags;
    struct ws_parser *parser = arg;
    const size_t taken = len < parser->input.len ? len : parser->input.len;
    memcpy(out, parser->input.p, taken);
    parser->input = (struct str){parser->input.p + taken, parser->input.len - taken};
    return taken != 0 ? (ssize_t)taken : -1;
}

/* What wslay leaves to its user, once the header is known. NULL: all is well. */
static const char *header_fault(const struct wslay_frame_iocb *header, bool in_message)
{
    if (header->mask == 0) {
        return "Frames of a client have to be masked.";
    }
    if (header->rsv != 0) {
        return "A reserved bit is set, and no extension was agreed on.";
    }
    switch (header->opcode) {
    case WS_CONTINUATION:
        return in_message ? NULL : "There is nothing to continue.";
    case WS_TEXT:
    case WS_BINARY:
        return in_message ? "A message began within another." : NULL;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return NULL;
    default:
        return "There is no such opcode.";
    }
}

/* The length of a frame's header, all that a client sends being masked. */
static size_t header_len(uint64_t payload)
{
    return 2 + (payload > UINT16_MAX ? 8U : payload > WS_CONTROL_MAX ? 2U : 0U) + 4;
}

struct fault {
    enum ws_code code;
    const char *reason;
};

static enum outcome wrong(struct fault *fault, enum ws_code code, const char *reason)
{
    *fault = (struct fault){code, reason};
    return FRAME_WRONG;
}

static enum outcome check_header(const struct wslay_frame_iocb *header,
                                 const struct ws_partial *partial, size_t max_message,
                                 struct fault *fault)
{
    const char *reason = header_fault(header, partial->in_message);
    if (reason != NULL) {
        return wrong(fault, WS_CODE_PROTOCOL, reason);
    }
    if (header->opcode == WS_BINARY) {
        return wrong(fault, WS_CODE_UNSUPPORTED, "Messages are text here.");
    }
    const size_t before = header->opcode < WS_CLOSE ? partial->message.len : 0;
    if (before > max_message || header->payload_length > max_message - before) {
        return wrong(fault, WS_CODE_TOO_BIG, "The message is too big.");
    }
    return FRAME_WHOLE;
}

/*
 * Reads one frame off the input, which is left behind the frame; what is incomplete is kept in
 * partial. wslay reads ahead, so it is given no more than one frame's bytes: first those of a
 * header, then the rest.
 *
 *   input   │ 2 bytes │ … longer header │ payload │ next frame …
 *   given   ├────────►├───────────────► ├───────► and no farther
 */
static enum outcome read_frame(struct ws_parser *parser, struct ws_partial *partial,
                               struct str *input, size_t max_message, struct frame *frame,
                               struct fault *fault)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = on_read};
    struct wslay_frame_iocb part = {0};
    const struct str all = *input;
    bool known = false;
    if (parser->wslay == NULL &&
        wslay_frame_context_init(&parser->wslay, &callbacks, parser) != 0) {
        abort(); /* as x_malloc does */
    }
    buf_clear(&parser->payload);
    /* Two bytes say how long the header is; of a longer one wslay asks for more. */
    size_t given = all.len < 2 ? all.len : 2;
    parser->input = (struct str){all.p, given};
    for (;;) {
        const ssize_t got = wslay_frame_recv(parser->wslay, &part);
        if (got >= 0) {
            if (!known && check_header(&part, partial, max_message, fault) != FRAME_WHOLE) {
                return FRAME_WRONG;
            }
            known = true;
            partial->need = header_len(part.payload_length) + (size_t)part.payload_length;
            buf_append(&parser->payload, part.data, part.data_length);
            if (parser->payload.len == part.payload_length) {
                break;
            }
        } else if (got != WSLAY_ERR_WANT_READ) {
            return wrong(fault, WS_CODE_PROTOCOL,
                         "A control frame is too long or in fragments, or a length is not written "
                         "in the shortest way.");
        }
        if (parser->input.len != 0) {
            continue; /* its buffer takes a few KiB at a time */
        }
        const size_t wanted = known ? partial->need : given + 1;
        if (given == all.len || wanted <= given) {
            return FRAME_INCOMPLETE;
        }
        const size_t next = wanted < all.len ? wanted : all.len;
        parser->input = (struct str){all.p + given, next - given};
        given = next;
    }
    *input = (struct str){all.p + given, all.len - given};
    *frame = (struct frame){(enum ws_opcode)part.opcode, part.fin != 0, buf_str(&parser->payload)};
    return FRAME_WHOLE;
}

/* ---- Messages ---- */

static bool take_close(struct str payload, const struct ws_handler *handler)
{
    if (payload.len == 0) {
        return handler->close(handler->arg, WS_CODE_NONE);
    }
    if (payload.len == 1) {
        handler->wrong(handler->arg, WS_CODE_PROTOCOL, "Half a close code.");
        return false;
    }
    const unsigned code = (unsigned)(unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
    if (!ws_code_valid(code)) {
        handler->wrong(handler->arg, WS_CODE_PROTOCOL, "That is no close code to be sent.");
        return false;
    }
    if (!utf8_valid((struct str){payload.p + 2, payload.len - 2})) {
        handler->wrong(handler->arg, WS_CODE_BAD_DATA, "The reason is not UTF-8.");
        return false;
    }
    return handler->close(handler->arg, (enum ws_code)code);
}

static bool take_text(struct ws_partial *partial, const struct frame *frame,
                      const struct ws_handler *handler)
{
    struct str text = frame->payload;
    if (!frame->fin || partial->in_message) {
        buf_append_str(&partial->message, frame->payload);
        text = buf_str(&partial->message);
    }
    partial->in_message = !frame->fin;
    if (!frame->fin) {
        return true;
    }
    bool more = true;
    if (utf8_valid(text)) {
        more = handler->message(handler->arg, text);
    } else {
        handler->wrong(handler->arg, WS_CODE_BAD_DATA, "The message is not UTF-8.");
        more = false;
    }
    buf_clear(&partial->message);
    return more;
}

static bool take_frame(struct ws_partial *partial, const struct frame *frame,
                       const struct ws_handler *handler)
{
    if (!handler->frame(handler->arg)) {
        return false;
    }
    switch (frame->opcode) {
    case WS_CLOSE:
        return take_close(frame->payload, handler);
    case WS_PING:
        return handler->ping(handler->arg, frame->payload);
    case WS_PONG:
        return true;
    case WS_CONTINUATION:
    case WS_TEXT:
    case WS_BINARY: /* refused by its header */
    default:
        return take_text(partial, frame, handler);
    }
}

void ws_input(struct ws_parser *parser, struct ws_partial *partial, struct str bytes,
              size_t max_message, const struct ws_handler *handler)
{
    struct buf joined = {0};
    struct str input = bytes;
    if (partial->raw.len != 0) {
        buf_append_str(&partial->raw, bytes);
        if (partial->raw.len < partial->need) {
            return;
        }
        joined = partial->raw;
        partial->raw = (struct buf){0};
        input = buf_str(&joined);
    }
    bool more = true;
    while (more && input.len != 0) {
        struct frame frame = {0};
        struct fault fault = {0};
        partial->need = 0;
        const enum outcome outcome =
            read_frame(parser, partial, &input, max_message, &frame, &fault);
        if (outcome == FRAME_WHOLE) {
            more = take_frame(partial, &frame, handler);
            continue;
        }
        forget_state(parser);
        if (outcome == FRAME_INCOMPLETE) {
            buf_append_str(&partial->raw, input);
        } else {
            handler->wrong(handler->arg, fault.code, fault.reason);
        }
        more = false;
    }
    buf_free(&joined);
}
