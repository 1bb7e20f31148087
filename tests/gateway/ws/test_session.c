/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets as streams: what is kept of them, and what time does to them. */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/streams_state.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/request.h"

static const char everything[] = "{\"subscribe\":[\"*\"]}";

/* Returns the client's end. */
static int open_socket_until(struct world *w, int sndbuf, const struct view *view,
                             mono_time expires)
{
    struct stream_request request = {.kind = CHANNEL_WS_IDLE, .view = view, .expires = expires};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    if (sndbuf != 0) {
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
    }
    selection_none(&request.selection);
    assert_int_equal(streams_attach(w->streams, pair[0], &request, STR("HEAD\n\n"), w->now),
                     STATUS_OK);
    return pair[1];
}

static int open_socket_as(struct world *w, int sndbuf, const struct view *view)
{
    return open_socket_until(w, sndbuf, view, MONO_NEVER);
}

static int open_socket(struct world *w, int sndbuf)
{
    return open_socket_as(w, sndbuf, view_everything());
}

/* A frame of a client; masked with zeros, which changes nothing. */
static void say(struct world *w, int client, unsigned opcode, bool fin, const char *text)
{
    const size_t len = strlen(text);
    char frame[6 + WS_CONTROL_MAX] = {(char)((fin ? 0x80 : 0) | opcode), (char)(0x80 | len)};
    assert_true(len <= WS_CONTROL_MAX);
    memcpy(frame + 6, text, len);
    assert_int_equal(send(client, frame, 6 + len, MSG_NOSIGNAL), (ssize_t)(6 + len));
    world_turn(w, 1000);
}

static void pass_s(struct world *w, int64_t seconds)
{
    w->now.us += seconds * US_PER_S;
    feed_events(w->streams); /* as the gateway's loop does it */
    streams_sweep(w->streams, w->now);
    world_turn(w, 1000);
}

/* True when the text ends with a close frame of that code. */
static bool closes_with(const struct buf *got, unsigned code)
{
    const unsigned char frame[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    for (size_t i = 0; i + 4 <= got->len; i++) {
        const unsigned char *p = (const unsigned char *)got->data + i;
        if (p[0] == 0x88 && (size_t)p[1] + 2 == got->len - i && memcmp(p + 2, frame, 2) == 0) {
            return true;
        }
    }
    return false;
}

static void silent_clients_are_pinged_and_then_cut(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    const int answers = open_socket(&w, 0);
    const int silent = open_socket(&w, 0);
    pass_s(&w, 29);
    assert_int_equal(streams_counters(w.streams)->ws_pings, 0);
    pass_s(&w, 2);
    pass_s(&w, 1); /* once */
    assert_int_equal(streams_counters(w.streams)->ws_pings, 2);
    assert_true(world_read(answers, &got, SIZE_MAX));
    assert_int_equal(occurrences(&got, "\x89"), 1);
    say(&w, answers, WS_PONG, true, "");
    pass_s(&w, 27);
    assert_int_equal(streams_counters(w.streams)->ws_unanswered, 0);
    pass_s(&w, 2);
    assert_int_equal(streams_counters(w.streams)->ws_unanswered, 1);
    assert_int_equal(streams_counters(w.streams)->closed, 0);
    assert_int_equal(streams_count(w.streams), 1);
    assert_true(world_read(answers, &got, SIZE_MAX));
    assert_false(world_read(silent, &got, SIZE_MAX)); /* its end */
    buf_free(&got);
    close(answers);
    close(silent);
    world_finish(&w);
}

static void who_does_not_close_is_closed(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    const int client = open_socket(&w, 0);
    say(&w, client, WS_CLOSE, true, "\x03\xe8");
    assert_false(world_read(client, &got, SIZE_MAX)); /* the answer, and its end */
    assert_true(closes_with(&got, WS_CODE_NORMAL));
    pass_s(&w, 4);
    assert_int_equal(streams_count(w.streams), 1);
    pass_s(&w, 2);
    assert_int_equal(streams_count(w.streams), 0);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void nothing_is_kept_beside_the_record(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    world_set(&w, "a", 1, 10);
    const int client = open_socket(&w, 0);
    const struct stream *stream = &w.streams->table[0];
    assert_null(stream->side);
    say(&w, client, WS_TEXT, false, "{\"subscribe\":");
    assert_non_null(stream->side); /* a message is under way */
    say(&w, client, WS_CONTINUATION, true, "[\"a\"]}");
    assert_null(stream->side);
    say(&w, client, WS_TEXT, true, everything);
    say(&w, client, WS_PING, true, "x");
    world_settle(&w, client, &got);
    assert_null(stream->side);
    assert_int_equal(stream->mode, STREAM_LIVE);
    assert_int_equal(occurrences(&got, "\"key\":\"a\""), 1); /* it had that when it asked for all */
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void frames_are_encoded_once(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    int clients[20];
    world_init(&w, 65536, 16);
    for (size_t i = 0; i < 20; i++) {
        clients[i] = open_socket(&w, 0);
        say(&w, clients[i], WS_TEXT, true, everything);
    }
    const uint64_t before = streams_counters(w.streams)->frames;
    for (int i = 0; i < 10; i++) {
        world_set(&w, "a", i, 200);
    }
    const uint64_t sends = streams_counters(w.streams)->sends;
    world_turn(&w, 1000);
    assert_int_equal(streams_counters(w.streams)->frames - before, 10);
    assert_int_equal(streams_counters(w.streams)->sends - sends, 20); /* all of them in one */
    for (size_t i = 0; i < 20; i++) {
        buf_clear(&got);
        assert_true(world_read(clients[i], &got, SIZE_MAX));
        assert_int_equal(occurrences(&got, "{\"event\":\"tile\",\"id\":"), 10);
        close(clients[i]);
    }
    buf_free(&got);
    world_finish(&w);
}

static void a_pong_comes_behind_what_was_asked_for_before_the_ping(void **state)
{
    (void)state;
    static const char frames[] = "\x81\x93\0\0\0\0{\"subscribe\":[\"*\"]}" /* in one segment */
                                 "\x89\x84\0\0\0\0ping";
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    world_set(&w, "a", 7, 0);
    const int client = open_socket(&w, 0);
    world_turn(&w, 1000);
    assert_int_equal(send(client, frames, sizeof frames - 1, MSG_NOSIGNAL), sizeof frames - 1);
    world_settle(&w, client, &got);
    const char *tile = memmem(got.data, got.len, "\"key\":\"a\"", 9);
    const char *pong = memmem(got.data, got.len, "\x8a\x04ping", 6);
    assert_true(tile != NULL && pong != NULL && tile < pong);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void only_the_newest_ping_is_answered_when_the_socket_is_full(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    const int client = open_socket(&w, 4096);
    say(&w, client, WS_TEXT, true, everything);
    for (int i = 0; i < 100; i++) {
        world_set(&w, "a", i, 2000);
        world_turn(&w, 1000);
    }
    assert_true(w.streams->table[0].blocked);
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof text, "ping%02d", i);
        say(&w, client, WS_PING, true, text);
    }
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "\x8a\x06ping"), 1);
    assert_int_equal(occurrences(&got, "\x8a\x06ping49"), 1);
    assert_int_equal(occurrences(&got, "\"value\":99"), 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void too_many_frames_and_too_many_subscriptions(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init_with(&w, 4096, 16, 2);
    const int fast = open_socket(&w, 0);
    for (int i = 0; i < 100; i++) {
        say(&w, fast, WS_PONG, true, "");
    }
    assert_int_equal(streams_counters(w.streams)->ws_too_fast, 0);
    pass_s(&w, 1);
    for (int i = 0; i < 20; i++) {
        say(&w, fast, WS_PONG, true, "");
    }
    assert_int_equal(streams_counters(w.streams)->ws_too_fast, 0);
    say(&w, fast, WS_PONG, true, "");
    assert_int_equal(streams_counters(w.streams)->ws_too_fast, 1);
    assert_false(world_read(fast, &got, SIZE_MAX));
    assert_true(closes_with(&got, WS_CODE_POLICY));
    close(fast);
    world_turn(&w, 1000);

    const int first = open_socket(&w, 0); /* the idle channel, */
    const int second = open_socket(&w, 0);
    say(&w, first, WS_TEXT, true, "{\"subscribe\":[\"a\"]}"); /* and another */
    say(&w, second, WS_TEXT, true, "{\"subscribe\":[\"b\"]}");
    assert_int_equal(streams_counters(w.streams)->ws_no_room, 1);
    buf_clear(&got);
    assert_false(world_read(second, &got, SIZE_MAX));
    assert_true(closes_with(&got, WS_CODE_TRY_LATER));
    buf_free(&got);
    close(first);
    close(second);
    world_finish(&w);
}

/* What a client may see belongs to its channel, also when it asks for something else. */
static void who_may_see_other_things_is_in_another_channel(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4096, 16);
    const struct str pattern = STR("a*");
    const struct view_list list = {&pattern, 1};
    const struct view *other;
    const struct view *equal;
    assert_int_equal(view_create(&list, NULL, NULL, &other, NULL), STATUS_OK);
    assert_int_equal(view_create(&list, NULL, NULL, &equal, NULL), STATUS_OK);
    const int first = open_socket(&w, 0);
    const int second = open_socket(&w, 0);
    assert_int_equal(streams_channels(w.streams), 1);
    const int third = open_socket_as(&w, 0, other);
    const int fourth = open_socket_as(&w, 0, equal);
    assert_int_equal(streams_channels(w.streams), 2);
    say(&w, first, WS_TEXT, true, everything);
    say(&w, second, WS_TEXT, true, everything);
    say(&w, third, WS_TEXT, true, everything);
    say(&w, fourth, WS_TEXT, true, everything);
    assert_int_equal(streams_channels(w.streams), 2);
    assert_ptr_equal(w.streams->table[0].channel, w.streams->table[1].channel);
    assert_ptr_equal(w.streams->table[0].channel->view, view_everything());
    assert_ptr_equal(w.streams->table[2].channel->view, other);
    assert_ptr_equal(w.streams->table[2].channel, w.streams->table[3].channel);
    say(&w, third, WS_TEXT, true, "{\"unsubscribe\":[\"*\"]}");
    assert_ptr_equal(w.streams->table[2].channel->view, other);
    view_release(&other); /* the channels have it */
    view_release(&equal);
    close(first);
    close(second);
    close(third);
    close(fourth);
    world_finish(&w);
}

/* Where it comes from may be ahead of this gateway. */
static void who_resumes_after_an_event_to_come_waits_for_it(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 4096, 16);
    world_event(&w, 1, "a");
    const int patient = open_socket(&w, 0);
    const int other = open_socket(&w, 0);
    say(&w, patient, WS_TEXT, true, "{\"subscribe\":[\"*\"],\"stream\":\"events\",\"cursor\":2}");
    say(&w, other, WS_TEXT, true, "{\"subscribe\":[\"*\"],\"stream\":\"events\",\"cursor\":9}");
    pass_s(&w, 1);
    world_event(&w, 2, "a");
    world_event(&w, 3, "a");
    pass_s(&w, 1);
    world_settle(&w, patient, &got);
    assert_int_equal(occurrences(&got, "\"event\":\"reset\""), 0);
    assert_int_equal(occurrences(&got, "\"id\":2,"), 0);
    assert_int_equal(occurrences(&got, "\"id\":3,"), 1);
    assert_null(w.streams->table[0].side);
    buf_clear(&got);
    world_settle(&w, other, &got);
    assert_int_equal(occurrences(&got, "event"), 0);
    pass_s(&w, 4);
    world_event(&w, 4, "a");
    world_settle(&w, other, &got);
    assert_int_equal(occurrences(&got, "\"event\":\"reset\""), 1);
    assert_int_equal(occurrences(&got, "\"id\":"), 1);
    buf_free(&got);
    close(patient);
    close(other);
    world_finish(&w);
}

static void who_expires_is_told_and_closed(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    world_set(&w, "a", 1, 1);
    const int client = open_socket_until(&w, 0, view_everything(), mono_add_ms(w.now, 10000));
    say(&w, client, WS_TEXT, true, everything);
    world_settle(&w, client, &got);
    pass_s(&w, 9);
    assert_int_equal(streams_count(w.streams), 1);
    buf_clear(&got);
    pass_s(&w, 1);
    assert_false(world_read(client, &got, SIZE_MAX));
    assert_int_equal(occurrences(&got, "{\"event\":\"expired-token\"}"), 1);
    assert_true(closes_with(&got, 3000));
    assert_int_equal(streams_counters(w.streams)->expired, 1);
    assert_int_equal(streams_counters(w.streams)->ws_ended, 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* What clients of WebSockets have been charged. */
struct bill {
    struct world w; /* The first member: what the engine hands to charge(). */
    uint64_t steps;
    bool in_debt;
};

static bool charge(void *arg, const struct ip *client, uint64_t steps)
{
    (void)client;
    struct bill *bill = arg;
    bill->steps += steps;
    return !bill->in_debt;
}

/* The charge for one message of a client, and for what it brings. */
static uint64_t price(struct bill *bill, int client, const char *message)
{
    const uint64_t before = bill->steps;
    struct buf got = {0};
    say(&bill->w, client, WS_TEXT, true, message);
    world_settle(&bill->w, client, &got);
    buf_free(&got);
    return bill->steps - before;
}

static void who_subscribes_anew_pays_for_what_comes_again(void **state)
{
    (void)state;
    static const struct streams_accounts accounts = {.charge = charge};
    struct bill bill = {.steps = 0};
    struct buf got = {0};
    world_init(&bill.w, 65536, 16);
    streams_set_accounts(bill.w.streams, &accounts);
    for (int64_t i = 0; i < 500; i++) {
        char key[16];
        snprintf(key, sizeof key, "t%03d", (int)i);
        world_set(&bill.w, key, i, 100);
    }
    const int client = open_socket(&bill.w, 0);
    const uint64_t first = price(&bill, client, everything);
    const uint64_t less = price(&bill, client, "{\"unsubscribe\":[\"*\"]}");
    const uint64_t again = price(&bill, client, everything);
    assert_true(first > 0 && less > 0);
    assert_in_range(again, first + 500 * 10, first + 500 * 40);
    bill.in_debt = true;
    say(&bill.w, client, WS_TEXT, true, "{\"unsubscribe\":[\"*\"]}");
    assert_false(world_read(client, &got, SIZE_MAX));
    assert_true(closes_with(&got, WS_CODE_TRY_LATER));
    assert_int_equal(streams_counters(bill.w.streams)->ws_in_debt, 1);
    assert_int_equal(streams_counters(bill.w.streams)->ws_no_room, 0);
    buf_free(&got);
    close(client);
    world_finish(&bill.w);
}

static bool no_other_channel(void *arg, const struct ip *client, size_t unused)
{
    (void)arg;
    (void)client;
    (void)unused;
    return false;
}

/* One that is alone in its channel gives that up for another. */
static void who_has_its_share_of_channels_may_subscribe_to_others(void **state)
{
    (void)state;
    static const struct streams_accounts share_used = {.may_add_channel = no_other_channel};
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    const int one = open_socket(&w, 0);
    const int two = open_socket(&w, 0);
    say(&w, one, WS_TEXT, true, "{\"subscribe\":[\"a\"]}");
    streams_set_accounts(w.streams, &share_used);
    say(&w, one, WS_TEXT, true, "{\"subscribe\":[\"b\"]}");
    assert_int_equal(streams_counters(w.streams)->ws_no_room, 0);
    say(&w, two, WS_TEXT, true, "{\"subscribe\":[\"a\",\"b\"]}"); /* the other one's */
    assert_int_equal(streams_counters(w.streams)->ws_no_room, 0);
    say(&w, two, WS_TEXT, true, "{\"subscribe\":[\"c\"]}");
    assert_false(world_read(two, &got, SIZE_MAX));
    assert_true(closes_with(&got, WS_CODE_TRY_LATER));
    assert_int_equal(streams_counters(w.streams)->ws_no_room, 1);
    buf_free(&got);
    close(one);
    close(two);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_clients_are_pinged_and_then_cut),
        cmocka_unit_test(who_does_not_close_is_closed),
        cmocka_unit_test(nothing_is_kept_beside_the_record),
        cmocka_unit_test(frames_are_encoded_once),
        cmocka_unit_test(a_pong_comes_behind_what_was_asked_for_before_the_ping),
        cmocka_unit_test(only_the_newest_ping_is_answered_when_the_socket_is_full),
        cmocka_unit_test(who_resumes_after_an_event_to_come_waits_for_it),
        cmocka_unit_test(who_may_see_other_things_is_in_another_channel),
        cmocka_unit_test(too_many_frames_and_too_many_subscriptions),
        cmocka_unit_test(who_has_its_share_of_channels_may_subscribe_to_others),
        cmocka_unit_test(who_expires_is_told_and_closed),
        cmocka_unit_test(who_subscribes_anew_pays_for_what_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
