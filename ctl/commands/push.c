/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire push` sends events to an ingestor that stores them itself (`source.uri: push:FILE`). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec/json.h"
#include "common/program/program.h"
#include "common/push/push_body.h"
#include "common/replica/answer.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/peer/peer.h"

#define LINES_BYTES ((size_t)512 << 10) /* of standard input that are sent at once */

enum { OPTION_ACTOR = 256, OPTION_TARGET, OPTION_SUMMARY, OPTION_PAYLOAD, OPTION_TIME, OPTION_KEY };

struct push_options {
    const char *fields[EVENT_FIELDS]; /* as given; NULL: not given */
    const char *key;
};

static const struct argp_option options_known[] = {
    {"summary", OPTION_SUMMARY, "TEXT", 0, "The event in a sentence, for people", 1},
    {"actor", OPTION_ACTOR, "ID", 0, "Who did it", 1},
    {"target", OPTION_TARGET, "ID", 0, "What it was done to", 1},
    {"payload", OPTION_PAYLOAD, "JSON", 0, "All else", 1},
    {"time", OPTION_TIME, "TIME", 0, "When it happened (default: now)", 1},
    {"key", OPTION_KEY, "KEY", 0, "An Idempotency-Key: repeated with it, the push counts once", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct push_options *options = state->input;
    switch (key) {
    case OPTION_SUMMARY:
        options->fields[EVENT_SUMMARY] = value;
        return 0;
    case OPTION_ACTOR:
        options->fields[EVENT_ACTOR] = value;
        return 0;
    case OPTION_TARGET:
        options->fields[EVENT_TARGET] = value;
        return 0;
    case OPTION_PAYLOAD:
        options->fields[EVENT_PAYLOAD] = value;
        return 0;
    case OPTION_TIME:
        options->fields[EVENT_TIMESTAMP] = value;
        return 0;
    case OPTION_KEY:
        if (value[0] == '\0' || strlen(value) > PUSH_KEY_MAX) {
            argp_error(state, "--key has 1 to %d bytes", PUSH_KEY_MAX);
        }
        options->key = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_pushed(const struct ctl *ctl, const struct answer_pushed *pushed)
{
    const int64_t last = pushed->first + (int64_t)pushed->count - 1;
    struct buf out = {0};
    if (ctl->json) {
        buf_append_text(&out, "{\"first\":");
        answer_pushed_json(&out, pushed, pushed->first);
        buf_append_text(&out, ",\"last\":");
        answer_pushed_json(&out, pushed, last);
        buf_printf(&out, ",\"events\":%" PRIu64 ",\"repeated\":%s}", pushed->count,
                   pushed->repeated ? "true" : "false");
    } else {
        answer_pushed_id(&out, pushed, pushed->first);
        if (pushed->count > 1) {
            buf_append_text(&out, " to ");
            answer_pushed_id(&out, pushed, last);
        }
        buf_append_text(&out, pushed->repeated ? " (repeated)" : "");
    }
    fprintf(ctl->out, "%s\n", buf_cstr(&out));
    fflush(ctl->out);
    buf_free(&out);
}

/* Sends events and waits until they are stored. */
static int send_events(const struct ctl *ctl, struct peer *peer, const struct push_events *events,
                       struct str key, struct error *err)
{
    struct query_request request;
    struct answer_pushed pushed;
    const mp_value *reply = NULL;
    query_request_begin(&request, QUERY_OP_PUSH);
    if (key.p != NULL) {
        query_request_text(&request, QUERY_ARG_KEY, key);
    }
    struct buf *list = query_request_member(&request, QUERY_ARG_EVENTS);
    mp_put_array(list, events->count);
    buf_append_str(list, buf_str(&events->maps));
    const int status = peer_ask(peer, &request, &reply, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!answer_read_pushed(reply, &pushed)) {
        return error_set(err, STATUS_INVALID, "the answer of %s cannot be read", ctl->query);
    }
    print_pushed(ctl, &pushed);
    return STATUS_OK;
}

/* ---- One event of the command line ---- */

static int push_one(const struct ctl *ctl, struct peer *peer, const char *type,
                    const struct push_options *options, struct error *err)
{
    struct pushed_event event = {.fields[EVENT_TYPE] = str_of(type)};
    struct push_events events = {.count = 1};
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        if (options->fields[i] != NULL) {
            event.fields[i] = str_of(options->fields[i]);
        }
    }
    int status = pushed_event_check(&event, err);
    if (status == STATUS_OK) {
        pushed_event_put(&events.maps, &event);
        status = send_events(ctl, peer, &events, str_of(options->key), err);
    }
    push_events_free(&events);
    return status;
}

/* ---- Lines of standard input ---- */

/* What was read of standard input and not sent. */
struct input {
    char *line; /* of getline */
    size_t size;
    struct buf lines;
    size_t count;  /* of these lines */
    size_t sent;   /* lines before them */
    size_t pushes; /* that were made */
};

static int send_lines(const struct ctl *ctl, struct peer *peer, const char *key,
                      struct input *input, struct error *err)
{
    struct push_events events = {0};
    struct buf part = {0}; /* each push has a key of its own, which follows from the one given */
    if (key != NULL) {
        buf_printf(&part, "%s/%zu", key, input->pushes);
    }
    int status = push_body_read(buf_str(&input->lines), PUSH_LINES, NULL, NULL, &events, err);
    if (status == STATUS_OK) {
        status = send_events(ctl, peer, &events, key != NULL ? buf_str(&part) : STR_NULL, err);
    }
    if (status != STATUS_OK) {
        (void)error_prefix(err, status, "lines %zu to %zu are not stored", input->sent + 1,
                           input->sent + input->count);
    }
    input->sent += input->count;
    input->pushes++;
    input->count = 0;
    buf_clear(&input->lines);
    buf_free(&part);
    push_events_free(&events);
    return status;
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

static int push_lines(const struct ctl *ctl, struct peer *peer, const char *key, struct error *err)
{
    struct input input = {0};
    ssize_t len;
    int status = STATUS_OK;
    while (status == STATUS_OK && (len = getline(&input.line, &input.size, stdin)) >= 0) {
        if (is_blank(input.line)) {
            input.sent += input.count == 0;
            input.count += input.count != 0;
            continue;
        }
        if (input.count != 0 &&
            (input.lines.len + (size_t)len > LINES_BYTES || input.count == PUSH_EVENTS_MAX)) {
            status = send_lines(ctl, peer, key, &input, err);
        }
        buf_append(&input.lines, input.line, (size_t)len);
        input.count++;
    }
    if (status == STATUS_OK && input.count != 0) {
        status = send_lines(ctl, peer, key, &input, err);
    } else if (status == STATUS_OK && input.pushes == 0) {
        status = error_set(err, STATUS_INVALID, "standard input has no event");
    }
    free(input.line);
    buf_free(&input.lines);
    return status;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct push_options *options = line->options;
    const bool lines = strcmp(line->argument, "-") == 0;
    struct peer *peer = NULL;
    struct error err = {{0}};
    int status = peer_create(ctl, &peer, &err);
    if (status == STATUS_OK) {
        status = lines ? push_lines(ctl, peer, options->key, &err)
                       : push_one(ctl, peer, line->argument, options, &err);
    }
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : ctl_fail(ctl, "%s", err.text);
}

const struct command command_push = {
    .name = "push",
    .argument = "EVENT_TYPE",
    .argument_needed = true,
    .brief = "send an event to Tilewire",
    .doc = "Send an event to an ingestor that keeps events itself (source.uri: push:FILE), and "
           "print its id once it is on disk. EVENT_TYPE `-` sends those that stand on standard "
           "input, one JSON object a line.",
    .of_ingestor = true,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct push_options),
    .run = run,
};
