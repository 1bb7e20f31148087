/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any subscriptions, any writes, any readers: on a tiny log, clients of WebSockets that subscribe
 * and unsubscribe, ping, cut their frames in pieces, read as chance has it, leave, and come back
 * with their cursor. In the end each holds, of what it is subscribed to, exactly what the store
 * holds.
 */
#include "tests/gateway/stream/held.h"
#include "tests/gateway/stream/world.h"

#include "gateway/ws/frame.h"
#include "gateway/ws/request.h"

#define RUNS 12 /* random histories */
#define CLIENTS 12
#define KEYS 12
#define STEPS 4000
#define CLIENT_SNDBUF 4096

static const char *const patterns[] = {"k1", "k2", "k3*", "k1*", "*", "k7", "none"};
#define PATTERNS (sizeof patterns / sizeof *patterns)

struct client {
    int fd; /* -1: away */
    bool patches;
    bool wants[PATTERNS];
    bool sure[PATTERNS]; /* its cursor speaks for these: see come() */
    struct buf in;
    struct buf out; /* what is not written yet */
    bool past_head;
    char cursor[VERSION_TEXT_SIZE];
    json_t *tiles;
    unsigned pings; /* the last that it sent, and the last that was answered */
    unsigned pongs;
};

struct trial {
    struct world w;
    uint32_t random;
    struct client clients[CLIENTS];
    size_t messages;
    size_t pongs;
};

static uint32_t below(struct trial *t, uint32_t limit)
{
    t->random = t->random * 1664525U + 1013904223U;
    return (uint32_t)(((uint64_t)(t->random >> 8) * limit) >> 24);
}

/* ---- What a client says ---- */

/* Masked with zeros, which changes nothing. */
static void say_frame(struct client *client, unsigned opcode, bool fin, struct str payload)
{
    assert_true(payload.len <= UINT16_MAX);
    buf_append_char(&client->out, (char)((fin ? 0x80 : 0) | opcode));
    if (payload.len <= WS_CONTROL_MAX) {
        buf_append_char(&client->out, (char)(0x80 | payload.len));
    } else {
        const unsigned char head[] = {0x80 | 126, (unsigned char)(payload.len >> 8),
                                      (unsigned char)payload.len};
        buf_append(&client->out, head, sizeof head);
    }
    buf_append(&client->out, "\0\0\0\0", 4);
    buf_append_str(&client->out, payload);
}

/* In one piece, or in fragments with a ping between. */
static void say(struct trial *t, struct client *client, const char *text)
{
    const size_t len = strlen(text);
    const size_t first = below(t, 2) == 0 ? len : below(t, (uint32_t)len);
    say_frame(client, WS_TEXT, first == len, (struct str){text, first});
    if (first != len) {
        char ping[16];
        snprintf(ping, sizeof ping, "%u", ++client->pings);
        say_frame(client, WS_PING, true, str_of(ping));
        say_frame(client, WS_CONTINUATION, true, (struct str){text + first, len - first});
    }
}

static void write_some(struct client *client, size_t max)
{
    const size_t len = client->out.len < max ? client->out.len : max;
    if (client->fd < 0 || len == 0) {
        return;
    }
    const ssize_t sent = send(client->fd, client->out.data, len, MSG_NOSIGNAL);
    assert_true(sent >= 0 || errno == EAGAIN);
    if (sent > 0) {
        client->out.len -= (size_t)sent;
        memmove(client->out.data, client->out.data + sent, client->out.len);
    }
}

/* Subscribes to those patterns; cursor: NULL or "" for none. */
static void subscribe(struct trial *t, struct client *client, const bool *which, const char *cursor)
{
    struct buf text = {0};
    buf_printf(&text, "{\"form\":\"%s\"", client->patches ? "patch" : "full");
    if (cursor != NULL && cursor[0] != '\0') {
        buf_printf(&text, ",\"cursor\":\"%s\"", cursor);
    }
    buf_append_text(&text, ",\"subscribe\":[");
    for (size_t i = 0, count = 0; i < PATTERNS; i++) {
        if (which[i]) {
            buf_printf(&text, "%s\"%s\"", count++ != 0 ? "," : "", patterns[i]);
        }
    }
    buf_append_text(&text, "]}");
    say(t, client, buf_cstr(&text));
    buf_free(&text);
}

static void change_subscription(struct trial *t, struct client *client)
{
    const size_t i = below(t, PATTERNS);
    client->wants[i] = !client->wants[i];
    client->sure[i] = false;
    if (client->wants[i]) {
        bool which[PATTERNS] = {false};
        which[i] = true;
        subscribe(t, client, which, NULL);
    } else {
        char text[64];
        snprintf(text, sizeof text, "{\"unsubscribe\":[\"%s\"]}", patterns[i]);
        say(t, client, text);
    }
}

/* The selection of those patterns; false when there are none. */
static bool select_those(const bool *which, struct selection *out)
{
    struct buf text = {0};
    for (size_t i = 0; i < PATTERNS; i++) {
        if (which[i]) {
            buf_printf(&text, "%s%s", text.len != 0 ? "," : "", patterns[i]);
        }
    }
    const bool any = text.len != 0;
    if (any) {
        assert_int_equal(selection_parse(out, buf_cstr(&text)), STATUS_OK);
    }
    buf_free(&text);
    return any;
}

/* ---- What it hears ---- */

static void on_text(struct trial *t, struct client *client, struct str text)
{
    json_t *message = json_loadb(text.p, text.len, 0, NULL);
    assert_non_null(message);
    const char *id = json_string_value(json_object_get(message, "id"));
    char *event = strdup(json_string_value(json_object_get(message, "event")));
    snprintf(client->cursor, sizeof client->cursor, "%s", id != NULL ? id : "");
    json_object_del(message, "event");
    json_object_del(message, "id");
    held_take(client->tiles, event, message);
    t->messages++;
    free(event);
    json_decref(message);
}

static void on_pong(struct trial *t, struct client *client, struct str payload)
{
    char text[WS_CONTROL_MAX + 1];
    snprintf(text, sizeof text, "%.*s", (int)payload.len, payload.p);
    const unsigned pong = (unsigned)strtoul(text, NULL, 10);
    assert_true(pong > client->pongs && pong <= client->pings);
    client->pongs = pong;
    t->pongs++;
}

/* Takes one frame off; false when none is whole. */
static bool take_frame(struct trial *t, struct client *client)
{
    const unsigned char *p = (const unsigned char *)client->in.data;
    if (client->in.len < 2) {
        return false;
    }
    size_t head = 2;
    size_t len = p[1];
    assert_true((p[0] & 0xf0) == 0x80 && len <= 126);
    if (len == 126) {
        head = 4;
        len = client->in.len < 4 ? SIZE_MAX - head : (size_t)p[2] << 8 | p[3];
    }
    if (client->in.len < head + len) {
        return false;
    }
    const struct str payload = {client->in.data + head, len};
    if ((p[0] & 15) == WS_TEXT) {
        on_text(t, client, payload);
    } else {
        assert_int_equal(p[0] & 15, WS_PONG);
        on_pong(t, client, payload);
    }
    client->in.len -= head + len;
    memmove(client->in.data, client->in.data + head + len, client->in.len);
    return true;
}

static void read_some(struct trial *t, struct client *client, size_t max)
{
    if (client->fd < 0) {
        return;
    }
    assert_true(world_read(client->fd, &client->in, max));
    if (!client->past_head) {
        const char *end =
            client->in.len != 0 ? memmem(client->in.data, client->in.len, "\n\n", 2) : NULL;
        if (end == NULL) {
            return;
        }
        client->past_head = true;
        client->in.len -= (size_t)(end + 2 - client->in.data);
        memmove(client->in.data, end + 2, client->in.len);
    }
    while (take_frame(t, client)) {
    }
}

/* ---- Coming and going ---- */

static void leave(struct client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    buf_clear(&client->in);
    buf_clear(&client->out);
    client->pings = client->pongs = 0;
    client->past_head = false;
}

/* What it holds that its cursor does not speak for it forgets. */
static void forget_unsure(struct client *client)
{
    struct selection sure;
    const bool any = select_those(client->sure, &sure);
    const char *key;
    json_t *tile;
    void *next;
    json_object_foreach_safe(client->tiles, next, key, tile)
    {
        (void)tile;
        if (!any || !selection_matches(&sure, str_of(key))) {
            json_object_del(client->tiles, key);
        }
    }
    if (any) {
        selection_free(&sure);
    }
}

/* A cursor speaks for what one was subscribed to from the beginning: of patterns that came later
 * the values may not have come yet. So these are subscribed to apart, without it. */
static void come(struct trial *t, struct client *client)
{
    struct stream_request request = {.kind = CHANNEL_WS_IDLE, .view = view_everything()};
    int pair[2];
    const int sndbuf = CLIENT_SNDBUF;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
    selection_none(&request.selection);
    assert_int_equal(streams_attach(t->w.streams, pair[0], &request, STR("HEAD\n\n"), t->w.now),
                     STATUS_OK);
    client->fd = pair[1];
    if (client->cursor[0] == '\0') {
        memcpy(client->sure, client->wants, sizeof client->sure);
        json_object_clear(client->tiles);
    }
    forget_unsure(client);
    subscribe(t, client, client->sure, client->cursor);
    bool others[PATTERNS];
    for (size_t i = 0; i < PATTERNS; i++) {
        others[i] = client->wants[i] && !client->sure[i];
    }
    subscribe(t, client, others, NULL);
}

/* ---- Chance ---- */

static void change_a_tile(struct trial *t)
{
    char key[16];
    snprintf(key, sizeof key, "k%u", below(t, KEYS));
    const int64_t value = (int64_t)below(t, 1000000);
    world_change(&t->w, key, value, below(t, 100), below(t, 300));
}

static void step(struct trial *t)
{
    if (below(t, 2) == 0) {
        change_a_tile(t);
    }
    if (below(t, 4) == 0) {
        t->w.now.us += 50000; /* so that none is too fast */
        world_turn(&t->w, 1 + below(t, 12));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &t->clients[i];
        if (client->fd < 0) {
            if (below(t, 40) == 0) {
                come(t, client);
            }
        } else if (below(t, 600) == 0) {
            if (below(t, 3) == 0) {
                client->cursor[0] = '\0';
            }
            leave(client);
        } else if (below(t, 200) == 0) {
            change_subscription(t, client);
        } else if (below(t, (uint32_t)(2 + i * 4)) == 0) { /* from eager to sleepy */
            read_some(t, client, 1 + below(t, 3000));
        }
        write_some(client, 1 + below(t, 30));
    }
}

/* ---- The verdict ---- */

static void settle(struct trial *t)
{
    for (uint64_t before = UINT64_MAX, now = 0; before != now;
         now = streams_counters(t->w.streams)->bytes) {
        before = streams_counters(t->w.streams)->bytes;
        for (int k = 0; k < 3; k++) {
            t->w.now.us += 20000000;
            for (size_t i = 0; i < CLIENTS; i++) {
                if (t->clients[i].fd < 0) {
                    come(t, &t->clients[i]);
                }
                write_some(&t->clients[i], SIZE_MAX);
            }
            world_turn(&t->w, 100000);
            for (size_t i = 0; i < CLIENTS; i++) {
                read_some(t, &t->clients[i], SIZE_MAX);
            }
        }
    }
}

static void judge(struct trial *t, struct client *client)
{
    struct selection selection;
    assert_int_equal(client->in.len, 0); /* nothing torn, nothing left over */
    assert_int_equal(client->out.len, 0);
    assert_int_equal(client->pongs, client->pings);
    if (!select_those(client->wants, &selection)) {
        return;
    }
    const size_t count = held_compare(client->tiles, t->w.store, &selection);
    size_t held = 0; /* of those selected: nothing that is gone */
    const char *key;
    json_t *tile;
    json_object_foreach(client->tiles, key, tile)
    {
        (void)tile;
        held += selection_matches(&selection, str_of(key));
    }
    assert_int_equal(held, count);
    selection_free(&selection);
}

/* The numbering never changes here. */
static bool can_resume(void *arg, const struct cursor *cursor)
{
    (void)arg;
    return cursor->lanes == 1 && cursor->at[0].epoch == WORLD_EPOCH;
}

static void run(uint32_t seed, struct streams_counters *totals, size_t *pongs)
{
    struct trial *t = calloc(1, sizeof *t);
    t->random = seed;
    world_init_with(&t->w, 4096, 16, 64);
    streams_set_can_resume(t->w.streams, can_resume);
    for (size_t i = 0; i < CLIENTS; i++) {
        t->clients[i].fd = -1;
        t->clients[i].patches = i % 2 != 0;
        t->clients[i].tiles = json_object();
    }
    for (int i = 0; i < STEPS; i++) {
        step(t);
    }
    settle(t);
    for (size_t i = 0; i < CLIENTS; i++) {
        judge(t, &t->clients[i]);
        leave(&t->clients[i]);
        buf_free(&t->clients[i].in);
        buf_free(&t->clients[i].out);
        json_decref(t->clients[i].tiles);
    }
    const struct streams_counters *c = streams_counters(t->w.streams);
    totals->conflated += c->conflated;
    totals->blocked += c->blocked;
    totals->ws_messages += c->ws_messages;
    totals->resets += c->resets;
    *pongs += t->pongs;
    assert_int_equal(c->ws_protocol_errors + c->ws_bad_data + c->ws_bad_requests + c->ws_too_fast +
                         c->ws_too_big + c->ws_no_room,
                     0);
    world_finish(&t->w);
    free(t);
}

static void any_subscriptions_any_writes_any_readers(void **state)
{
    (void)state;
    struct streams_counters totals = {0};
    size_t pongs = 0;
    const uint32_t first = seed_of_run();
    const uint32_t runs = runs_of_run(RUNS);
    for (uint32_t seed = first; seed < first + runs; seed++) {
        print_message("seed %u\n", seed);
        run(seed, &totals, &pongs);
    }
    if (runs >= RUNS) { /* the rare cases were there */
        assert_true(totals.conflated > 10);
        assert_true(totals.blocked > 100);
        assert_true(totals.ws_messages > 500);
        assert_true(pongs > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_subscriptions_any_writes_any_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
