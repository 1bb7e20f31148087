/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/outlet.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/net/sockets.h"
#include "tests/unit.h"

#define MIB ((size_t)1 << 20)

struct scene {
    struct config *config;
    struct outlet *outlet;
    char address[64];
};

static void scene_init(struct scene *scene)
{
    static const char text[] = "source: {uri: \"sqlite:x.db\"}\n";
    struct error err = {{0}};
    assert_int_equal(config_parse(text, sizeof text - 1, "t", &scene->config, &err), STATUS_OK);
    scene->outlet = outlet_create(ZMQ_XPUB, "tcp://127.0.0.1:*", scene->config, &err);
    if (scene->outlet == NULL) {
        fail_msg("%s", err.text);
    }
    size_t size = sizeof scene->address;
    assert_int_equal(
        zmq_getsockopt(outlet_socket(scene->outlet), ZMQ_LAST_ENDPOINT, scene->address, &size), 0);
}

static void scene_finish(struct scene *scene)
{
    outlet_destroy(&scene->outlet);
    config_destroy(&scene->config);
    sockets_term();
}

static int mark_of(const struct scene *scene)
{
    int mark;
    size_t size = sizeof mark;
    assert_int_equal(zmq_getsockopt(outlet_socket(scene->outlet), ZMQ_SNDHWM, &mark, &size), 0);
    return mark;
}

static void send_some(struct scene *scene, size_t count, size_t bytes)
{
    struct buf body = {0};
    for (size_t i = 0; i < bytes; i++) {
        buf_append_char(&body, 'x');
    }
    const struct str frames[] = {STR("topic"), STR("header"), buf_str(&body)};
    for (size_t i = 0; i < count; i++) {
        (void)outlet_send(scene->outlet, frames, 3);
    }
    buf_free(&body);
}

static void the_mark_follows_the_length_of_messages(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    assert_int_equal(mark_of(&scene), SOCKET_PUBLISH_HWM);
    send_some(&scene, 1000, 100);
    assert_int_equal(mark_of(&scene), SOCKET_PUBLISH_HWM);
    send_some(&scene, 2000, 64 << 10);
    assert_in_range(mark_of(&scene), 500, 1024);
    send_some(&scene, 200, MIB);
    assert_in_range(mark_of(&scene), 40, 64);
    send_some(&scene, 2 * SOCKET_PUBLISH_HWM, 100);
    assert_int_equal(mark_of(&scene), SOCKET_PUBLISH_HWM);
    scene_finish(&scene);
}

/* A subscriber that reads nothing, and messages of all lengths. */
static void the_queue_of_a_subscriber_is_bounded_in_bytes(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {{0}};
    scene_init(&scene);
    void *lazy = socket_open(ZMQ_SUB, &err);
    const int one = 1;
    zmq_setsockopt(lazy, ZMQ_RCVHWM, &one, sizeof one);
    assert_int_equal(
        socket_connect(lazy, scene.address, &(struct config_server){0}, scene.config, &err),
        STATUS_OK);
    char subscription[16];
    assert_int_equal(zmq_recv(outlet_socket(scene.outlet), subscription, sizeof subscription, 0),
                     1);
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (size_t round = 0; round < 4; round++) {
        send_some(&scene, 400, 100);
        send_some(&scene, 600, 100000);
        send_some(&scene, 60, MIB);
    }
    const size_t queued = mallinfo2().uordblks + mallinfo2().hblkhd - before;
/* The heap of a sanitizer does not say how large it is. */
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    assert_true(queued > 10 * MIB);
#endif
    assert_true(queued < OUTLET_QUEUE_BYTES * 5 / 4);
    socket_close(&lazy);
    scene_finish(&scene);
}

/* Libzmq crashes when the mark changes while one does. */
static void the_mark_stays_while_connections_end(void **state)
{
    (void)state;
    struct scene scene;
    struct error err = {{0}};
    char subscription[16];
    scene_init(&scene);
    void *subscriber = socket_open(ZMQ_SUB, &err);
    assert_int_equal(
        socket_connect(subscriber, scene.address, &(struct config_server){0}, scene.config, &err),
        STATUS_OK);
    assert_int_equal(zmq_recv(outlet_socket(scene.outlet), subscription, sizeof subscription, 0),
                     1);
    socket_close(&subscriber);
    assert_int_equal(zmq_recv(outlet_socket(scene.outlet), subscription, sizeof subscription, 0),
                     1); /* its subscription has ended */
    const mono_time ended = clock_mono();
    send_some(&scene, 100, MIB);
    assert_int_equal(mark_of(&scene), SOCKET_PUBLISH_HWM);
    while (mark_of(&scene) == SOCKET_PUBLISH_HWM) {
        assert_true(clock_mono().us - ended.us < 60 * US_PER_S);
        usleep(1000);
        send_some(&scene, 1, MIB);
    }
    assert_true(clock_mono().us - ended.us >= US_PER_S);
    assert_in_range(mark_of(&scene), 40, 64);
    scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mark_follows_the_length_of_messages),
        cmocka_unit_test(the_queue_of_a_subscriber_is_bounded_in_bytes),
        cmocka_unit_test(the_mark_stays_while_connections_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
