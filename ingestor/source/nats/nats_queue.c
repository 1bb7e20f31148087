/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_queue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/xalloc.h"

struct nats_queue {
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t room;
    natsMsg *messages[NATS_QUEUE_MESSAGES];
    size_t first; /* grows; its place is that modulo NATS_QUEUE_MESSAGES */
    size_t end;
    size_t bytes;
    bool closed;
    int fd; /* an eventfd; never changes */
};

struct nats_queue *nats_queue_create(void)
{
    struct nats_queue *queue = x_calloc(1, sizeof *queue);
    queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (queue->fd < 0) {
        free(queue);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->room, NULL);
    return queue;
}

void nats_queue_destroy(struct nats_queue **queue_p)
{
    struct nats_queue *queue = *queue_p;
    if (queue == NULL) {
        return;
    }
    for (; queue->first != queue->end; queue->first++) {
        natsMsg_Destroy(queue->messages[queue->first % NATS_QUEUE_MESSAGES]);
    }
    pthread_cond_destroy(&queue->room);
    pthread_mutex_destroy(&queue->lock);
    close(queue->fd);
    free(queue);
    *queue_p = NULL;
}

static size_t size_of(const natsMsg *message)
{
    return (size_t)natsMsg_GetDataLength(message);
}

static void wake(const struct nats_queue *queue)
{
    const uint64_t one = 1;
    if (write(queue->fd, &one, sizeof one) < 0) {
        return; /* it is readable already */
    }
}

bool nats_queue_put(struct nats_queue *queue, natsMsg *message)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->closed &&
           (queue->bytes >= NATS_QUEUE_BYTES || queue->end - queue->first == NATS_QUEUE_MESSAGES)) {
        pthread_cond_wait(&queue->room, &queue->lock);
    }
    const bool open = !queue->closed;
    const bool was_empty = queue->first == queue->end;
    if (open) {
        queue->messages[queue->end++ % NATS_QUEUE_MESSAGES] = message;
        queue->bytes += size_of(message);
    }
    pthread_mutex_unlock(&queue->lock);
    if (!open) {
        natsMsg_Destroy(message);
    } else if (was_empty) {
        wake(queue);
    }
    return open;
}

natsMsg *nats_queue_take(struct nats_queue *queue)
{
    natsMsg *message = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->first != queue->end) {
        message = queue->messages[queue->first++ % NATS_QUEUE_MESSAGES];
        queue->bytes -= size_of(message);
        pthread_cond_signal(&queue->room);
    }
    pthread_mutex_unlock(&queue->lock);
    return message;
}

bool nats_queue_is_empty(struct nats_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const bool empty = queue->first == queue->end;
    pthread_mutex_unlock(&queue->lock);
    return empty;
}

void nats_queue_close(struct nats_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->lock);
    wake(queue);
}

bool nats_queue_is_closed(struct nats_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

int nats_queue_fd(const struct nats_queue *queue)
{
    return queue->fd;
}

void nats_queue_hear(struct nats_queue *queue)
{
    uint64_t count;
    if (read(queue->fd, &count, sizeof count) < 0) {
        return; /* nothing was put */
    }
}
