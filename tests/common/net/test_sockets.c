/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a connection while its owner does not read: libzmq ends the whole program when it
 * is taken by surprise there, and each of these tests did. */
#include "common/net/sockets.h"

#include <zmq.h>

#include "tests/common/config/config_unit.h"
#include "tests/common/net/raw_peer.h"

/* As long as ZMTP's heartbeats, with which they failed, took to give a connection up. */
#define WHILE_MS 2500

static struct config *config;

static int load(void **state)
{
    (void)state;
    config = parse_ok("cache: {}\n");
    return 0;
}

static int unload(void **state)
{
    (void)state;
    config_destroy(&config);
    sockets_term();
    return 0;
}

static void *connect_to(const struct raw_listener *listener, int type)
{
    struct error err = {{0}};
    void *socket = socket_open(type, &err);
    if (socket == NULL || socket_connect(socket, listener->address, &(struct config_server){0},
                                         config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return socket;
}

/* Reads until nothing has come for a moment, and returns how many messages there were. */
static size_t read_all(void *socket)
{
    struct buf frames[4] = {{0}};
    size_t messages = 0;
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    while (zmq_poll(&item, 1, 300) == 1) {
        while (socket_receive(socket, frames, 4, 100) != 0) {
            messages++;
        }
    }
    for (size_t i = 0; i < 4; i++) {
        buf_free(&frames[i]);
    }
    return messages;
}

static void test_a_connection_outlives_a_reader_who_stands_still(void **state)
{
    (void)state;
    struct raw_listener listener;
    raw_listen(&listener);
    void *sub = connect_to(&listener, ZMQ_SUB);
    const int fd = raw_accept(&listener, "PUB");
    char subscription[3];
    raw_read(fd, subscription, sizeof subscription);
    const size_t sent = raw_flood(fd);
    assert_true(sent > SOCKET_SUBSCRIBER_HWM);
    /* Had it been given up, there would be a new one. */
    const int second = raw_wait(listener.fd, WHILE_MS) ? raw_accept(&listener, "PUB") : -1;
    assert_in_range(read_all(sub), sent, sent + 1);
    assert_int_equal(second, -1);
    assert_false(raw_wait(fd, 0)); /* nor was anything said, or the connection ended */
    close(fd);
    close(listener.fd);
    socket_close(&sub);
}

/* The type's sockets hear messages of one frame; a DEALER does not mind. */
static void check_reset(int type, const char *peer, size_t at_least)
{
    struct raw_listener listener;
    raw_listen(&listener);
    void *socket = connect_to(&listener, type);
    int fd = raw_accept(&listener, peer);
    (void)raw_flood(fd);
    raw_reset(fd);
    assert_false(raw_wait(listener.fd, WHILE_MS)); /* what has come is read first */
    assert_true(read_all(socket) >= at_least);
    fd = raw_accept(&listener, peer);
    raw_write(fd, "\0\1x", 3);
    assert_int_equal(read_all(socket), 1);
    close(fd);
    close(listener.fd);
    socket_close(&socket);
}

static void test_a_connection_that_is_reset_while_its_reader_stands_still(void **state)
{
    (void)state;
    check_reset(ZMQ_SUB, "PUB", SOCKET_SUBSCRIBER_HWM);
    check_reset(ZMQ_DEALER, "REP", SOCKET_QUERY_HWM);
}

/* Subscribes again and again, with a PING now and then, until all is sent or no more is taken. */
static void subscribe_much(int fd)
{
    enum { MESSAGES = 1000 };
    char block[3 * MESSAGES + 9];
    for (int i = 0; i < MESSAGES; i++) {
        memcpy(block + 3 * i, "\0\1\1", 3);
    }
    memcpy(block + 3 * MESSAGES, "\4\7\4PING\0\0", 9);
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    for (int i = 0; i < 2 * SOCKET_PUBLISH_HWM / MESSAGES && poll(&item, 1, 200) == 1; i++) {
        raw_write(fd, block, sizeof block);
    }
    while (raw_wait(fd, 200) && read(fd, block, sizeof block) > 0) {
        /* The PINGs that were read are answered. */
    }
}

/* The answer to a PING that is read only after the reset cannot be sent. */
static void test_a_subscriber_that_pings_and_is_reset_while_the_publisher_stands_still(void **state)
{
    (void)state;
    struct error err = {{0}};
    void *xpub = socket_bind(ZMQ_XPUB, "tcp://127.0.0.1:*", config, &err);
    if (xpub == NULL) {
        fail_msg("%s", err.text);
    }
    char endpoint[64];
    size_t size = sizeof endpoint;
    assert_int_equal(zmq_getsockopt(xpub, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    const int fd = raw_connect(endpoint, "SUB");
    subscribe_much(fd);
    raw_reset(fd);
    const int other = raw_connect(endpoint, "SUB"); /* the reset has come before this one */
    raw_write(other, "\0\2\1x", 4);
    assert_true(read_all(xpub) >= 2);
    close(other);
    socket_close(&xpub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_connection_outlives_a_reader_who_stands_still, load,
                                        unload),
        cmocka_unit_test_setup_teardown(
            test_a_connection_that_is_reset_while_its_reader_stands_still, load, unload),
        cmocka_unit_test_setup_teardown(
            test_a_subscriber_that_pings_and_is_reset_while_the_publisher_stands_still, load,
            unload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
