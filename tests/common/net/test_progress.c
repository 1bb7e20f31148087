/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/progress.h"

#include <unistd.h>
#include <zmq.h>

#include "common/net/sockets.h"
#include "tests/common/config/config_unit.h"
#include "tests/common/net/raw_peer.h"

struct scene {
    struct config *config;
    struct raw_listener listener;
    void *socket;
    struct progress *progress;
    int fd; /* the other side */
};

static int begin(void **state)
{
    static struct scene scene;
    struct error err = {{0}};
    *state = &scene;
    scene.config = parse_ok("gateway:\n");
    raw_listen(&scene.listener);
    scene.socket = socket_open(ZMQ_SUB, &err);
    assert_non_null(scene.socket);
    scene.progress = progress_create(scene.socket);
    assert_non_null(scene.progress);
    assert_false(progress_made(scene.progress)); /* it is not connected */
    assert_int_equal(socket_connect(scene.socket, scene.listener.address, NULL, scene.config, &err),
                     STATUS_OK);
    scene.fd = raw_accept(&scene.listener, "PUB");
    (void)progress_made(scene.progress); /* of the greeting, perhaps */
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    progress_destroy(&scene->progress);
    assert_null(scene->progress);
    socket_close(&scene->socket);
    close(scene->fd);
    close(scene->listener.fd);
    config_destroy(&scene->config);
    sockets_term();
    return 0;
}

static bool wait_for_progress(struct progress *progress)
{
    for (int i = 0; i < RAW_PATIENCE_MS; i++) {
        if (progress_made(progress)) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

static void test_a_message_that_is_half_here_moves(void **state)
{
    struct scene *scene = *state;
    static char part[2000];
    raw_write(scene->fd, "\x02\0\0\0\0\0\1\0\0", 9); /* of 64 KiB, of which not all comes */
    for (int i = 0; i < 10; i++) {
        raw_write(scene->fd, part, sizeof part);
        assert_true(wait_for_progress(scene->progress));
        assert_false(progress_made(scene->progress)); /* once is enough */
        assert_false(socket_readable(scene->socket));
    }
    raw_write(scene->fd, part, PROGRESS_MIN_BYTES - 1);
    assert_false(progress_made(scene->progress)); /* whether or not that is here already */
}

static void test_another_connection_is_another_count(void **state)
{
    struct scene *scene = *state;
    static char part[200000];
    raw_write(scene->fd, "\x02\0\0\0\0\0\4\0\0", 9);
    raw_write(scene->fd, part, sizeof part);
    assert_true(wait_for_progress(scene->progress));
    raw_reset(scene->fd);
    scene->fd = raw_accept(&scene->listener, "PUB");
    raw_write(scene->fd, "\x02\0\0\0\0\0\4\0\0", 9);
    for (int i = 0; i < 10; i++) { /* less than had come over the first one */
        raw_write(scene->fd, part, 2000);
        assert_true(wait_for_progress(scene->progress));
    }
}

static void test_without_a_monitor_nothing_is_known(void **state)
{
    (void)state;
    struct progress *none = NULL;
    assert_false(progress_made(none));
    progress_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_message_that_is_half_here_moves, begin, end),
        cmocka_unit_test_setup_teardown(test_another_connection_is_another_count, begin, end),
        cmocka_unit_test(test_without_a_monitor_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
