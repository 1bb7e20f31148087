/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_queue.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/base/xalloc.h"
#include "tests/unit.h"

#define LARGE (1 << 20)

static natsMsg *message_of(const char *data, int len)
{
    natsMsg *message = NULL;
    assert_int_equal(natsMsg_Create(&message, "s", NULL, data, len), NATS_OK);
    return message;
}

static bool is_readable(struct nats_queue *queue)
{
    struct pollfd fd = {.fd = nats_queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void test_what_is_put_is_taken_in_its_order(void **unused)
{
    (void)unused;
    struct nats_queue *queue = nats_queue_create();
    assert_null(nats_queue_take(queue));
    assert_false(is_readable(queue));
    assert_true(nats_queue_put(queue, message_of("a", 1)));
    assert_true(nats_queue_put(queue, message_of("b", 1)));
    assert_true(is_readable(queue));
    nats_queue_hear(queue);
    assert_false(is_readable(queue));
    natsMsg *first = nats_queue_take(queue);
    natsMsg *second = nats_queue_take(queue);
    assert_int_equal(natsMsg_GetData(first)[0], 'a');
    assert_int_equal(natsMsg_GetData(second)[0], 'b');
    assert_true(nats_queue_is_empty(queue));
    natsMsg_Destroy(first);
    natsMsg_Destroy(second);
    nats_queue_destroy(&queue);
    assert_null(queue);
}

static void test_a_queue_that_is_closed_gives_what_it_has(void **unused)
{
    (void)unused;
    struct nats_queue *queue = nats_queue_create();
    assert_true(nats_queue_put(queue, message_of("a", 1)));
    nats_queue_hear(queue);
    nats_queue_close(queue);
    assert_true(nats_queue_is_closed(queue));
    assert_true(is_readable(queue));
    assert_false(nats_queue_put(queue, message_of("b", 1)));
    natsMsg *first = nats_queue_take(queue);
    assert_non_null(first);
    assert_null(nats_queue_take(queue));
    natsMsg_Destroy(first);
    nats_queue_destroy(&queue);
}

struct producer {
    struct nats_queue *queue;
    const char *data;
    _Atomic int put;
};

/* Puts until the queue is closed. */
static void *produce(void *arg)
{
    struct producer *p = arg;
    while (nats_queue_put(p->queue, message_of(p->data, LARGE))) {
        p->put++;
    }
    return NULL;
}

static void test_it_has_an_end_in_bytes(void **unused)
{
    (void)unused;
    enum { ROOM = NATS_QUEUE_BYTES / LARGE, ALL = 100 };
    char *data = x_calloc(1, LARGE);
    struct producer p = {.queue = nats_queue_create(), .data = data};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
    for (int taken = 0; taken < ALL;) {
        natsMsg *message = nats_queue_take(p.queue);
        assert_true(p.put <= taken + ROOM + 1); /* and the one that is being put */
        taken += message != NULL;
        natsMsg_Destroy(message);
    }
    nats_queue_close(p.queue); /* it may wait for room */
    pthread_join(thread, NULL);
    nats_queue_destroy(&p.queue);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_taken_in_its_order),
        cmocka_unit_test(test_a_queue_that_is_closed_gives_what_it_has),
        cmocka_unit_test(test_it_has_an_end_in_bytes),
    };
    nats_Open(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
