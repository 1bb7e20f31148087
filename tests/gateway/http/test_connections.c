/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/connections.h"

static const struct connections_config config = {
    .max = 16, .idle_ms = 30000, .reading_ms = 10000, .answering_ms = 60000};

struct pair {
    struct connection *connection;
    int fds[2]; /* the gateway's end, and the client's */
};

static mono_time at_ms(int64_t ms)
{
    return (mono_time){1000000000 + ms * 1000};
}

static void open_pair(struct connections *connections, struct pair *pair, int64_t ms)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair->fds),
                     0);
    pair->connection = connections_add(connections, pair->fds[0], at_ms(ms));
}

static void close_pair(struct connections *connections, struct pair *pair)
{
    connections_remove(connections, &pair->connection);
    assert_null(pair->connection);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

/* True when the client was told that the connection is over. text: what it was sent before. */
static bool is_over(const struct pair *pair, const char *text)
{
    char got[512];
    const ssize_t len = recv(pair->fds[1], got, sizeof got - 1, 0);
    if (len <= 0 || text == NULL) {
        return len == 0 && text == NULL;
    }
    got[len] = '\0';
    assert_non_null(strstr(got, text));
    const char *body = strstr(got, "\r\n\r\n") + 4;
    assert_int_equal(atoi(strstr(got, "Content-Length: ") + 16), (int)strlen(body));
    return recv(pair->fds[1], got, sizeof got, 0) == 0;
}

static void each_phase_has_its_time(void **state)
{
    (void)state;
    struct connections *connections = connections_create(&config);
    struct pair idle;
    struct pair slow;
    struct pair stuck;
    struct pair waits;
    struct pair lively;
    open_pair(connections, &idle, 0);
    open_pair(connections, &slow, 0);
    open_pair(connections, &stuck, 0);
    open_pair(connections, &waits, 0);
    open_pair(connections, &lively, 0);
    connections_enter(connections, slow.connection, CONNECTION_READING, at_ms(5000));
    connections_enter(connections, stuck.connection, CONNECTION_ANSWERING, at_ms(5000));
    connections_enter(connections, waits.connection, CONNECTION_WAITING, at_ms(5000));
    connections_sweep(connections, at_ms(14999));
    assert_false(is_over(&slow, NULL));
    connections_sweep(connections, at_ms(15000));
    assert_true(is_over(&slow, "HTTP/1.1 408 "));
    connections_enter(connections, lively.connection, CONNECTION_READING, at_ms(29000));
    connections_enter(connections, lively.connection, CONNECTION_IDLE, at_ms(29001));
    connections_sweep(connections, at_ms(30000));
    assert_true(is_over(&idle, NULL));
    assert_false(is_over(&lively, NULL));
    connections_sweep(connections, at_ms(65000));
    assert_true(is_over(&stuck, NULL));
    assert_true(is_over(&lively, NULL));
    assert_false(is_over(&waits, NULL));
    const struct connections_counters *counters = connections_counters(connections);
    assert_int_equal(counters->idle, 2);
    assert_int_equal(counters->slow, 1);
    assert_int_equal(counters->stuck, 1);
    assert_int_equal(counters->evicted, 0);
    /* What is over stays so, though its owner goes on for a while. */
    connections_enter(connections, slow.connection, CONNECTION_ANSWERING, at_ms(65000));
    assert_int_equal(connections_count(connections), 5);
    close_pair(connections, &idle);
    close_pair(connections, &slow);
    close_pair(connections, &stuck);
    close_pair(connections, &waits);
    close_pair(connections, &lively);
    connections_destroy(&connections);
    assert_null(connections);
}

/* 16 is the most, so 14 are many, and 8 are left. */
static void when_it_is_tight_half_of_the_room_is_made_free(void **state)
{
    (void)state;
    struct connections *connections = connections_create(&config);
    struct pair pairs[15];
    for (int i = 0; i < 14; i++) {
        assert_false(connections_tight(connections));
        open_pair(connections, &pairs[i], 0);
    }
    assert_true(connections_tight(connections));
    connections_enter(connections, pairs[0].connection, CONNECTION_WAITING, at_ms(20));
    connections_enter(connections, pairs[1].connection, CONNECTION_READING, at_ms(20));
    connections_enter(connections, pairs[2].connection, CONNECTION_READING, at_ms(30));
    connections_enter(connections, pairs[3].connection, CONNECTION_IDLE, at_ms(40)); /* newest */
    for (int i = 4; i < 10; i++) {
        connections_enter(connections, pairs[i].connection, CONNECTION_ANSWERING, at_ms(50));
    }
    connections_relieve(connections, at_ms(99)); /* nobody has had its time */
    assert_int_equal(connections_counters(connections)->evicted, 0);
    open_pair(connections, &pairs[14], 120); /* 10 to 13 are idle; 3 has a little left */
    assert_true(is_over(&pairs[10], NULL) && is_over(&pairs[13], NULL));
    assert_false(is_over(&pairs[3], NULL) || is_over(&pairs[1], NULL));
    assert_false(connections_tight(connections));
    connections_relieve(connections, at_ms(100000)); /* nor has anybody to go */
    assert_int_equal(connections_counters(connections)->evicted, 4);
    for (int i = 0; i < 15; i++) {
        close_pair(connections, &pairs[i]);
    }
    connections_destroy(&connections);
}

static void who_sends_or_takes_slowly_goes_after_the_idle(void **state)
{
    (void)state;
    struct connections *connections = connections_create(&config);
    struct pair pairs[14];
    for (int i = 0; i < 14; i++) {
        open_pair(connections, &pairs[i], 0);
        connections_enter(connections, pairs[i].connection,
                          i < 4    ? CONNECTION_READING
                          : i < 13 ? CONNECTION_ANSWERING
                                   : CONNECTION_IDLE,
                          at_ms(i));
    }
    connections_relieve(connections, at_ms(250));
    assert_true(is_over(&pairs[13], NULL) && is_over(&pairs[3], NULL));
    assert_int_equal(connections_counters(connections)->evicted, 5);
    for (int i = 0; i < 4; i++) { /* the same places again */
        close_pair(connections, &pairs[i]);
        open_pair(connections, &pairs[i], 300);
        connections_enter(connections, pairs[i].connection, CONNECTION_WAITING, at_ms(300));
    }
    close_pair(connections, &pairs[13]);
    open_pair(connections, &pairs[13], 10003);
    assert_false(is_over(&pairs[4], NULL));
    connections_relieve(connections, at_ms(10004));
    assert_true(is_over(&pairs[4], NULL));
    assert_false(is_over(&pairs[5], NULL) || is_over(&pairs[0], NULL));
    for (int i = 0; i < 14; i++) {
        close_pair(connections, &pairs[i]);
    }
    connections_destroy(&connections);
}

static void idle_ones_can_be_ended_early(void **state)
{
    (void)state;
    struct connections *connections = connections_create(&config);
    struct pair pairs[3];
    for (int i = 0; i < 3; i++) {
        open_pair(connections, &pairs[i], i);
    }
    connections_enter(connections, pairs[0].connection, CONNECTION_READING, at_ms(3));
    connections_end_idle(connections, at_ms(101), 100);
    assert_true(is_over(&pairs[1], NULL));
    assert_false(is_over(&pairs[2], NULL)); /* it may ask something yet */
    connections_end_idle(connections, at_ms(102), 100);
    assert_true(is_over(&pairs[2], NULL));
    assert_false(is_over(&pairs[0], NULL));
    for (int i = 0; i < 3; i++) {
        close_pair(connections, &pairs[i]);
    }
    connections_destroy(&connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_has_its_time),
        cmocka_unit_test(when_it_is_tight_half_of_the_room_is_made_free),
        cmocka_unit_test(who_sends_or_takes_slowly_goes_after_the_idle),
        cmocka_unit_test(idle_ones_can_be_ended_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
