/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_sender.h"

#include <czmq.h>
#include <stdlib.h>

#include "common/base/handover.h"
#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "ingestor/alerts/alert_command.h"
#include "ingestor/alerts/alert_post.h"

#define WAIT_MAX_MS 60000
#define WAIT_BLIND_MS 50 /* for a program whose end cannot be polled for */

struct alert_sender {
    zactor_t *actor; /* the pipe to the sender's thread; owned */
};

struct alert_job *alert_job_create(const struct config_alert *rule)
{
    struct alert_job *job = x_calloc(1, sizeof *job);
    job->rule = rule;
    return job;
}

void alert_job_destroy(struct alert_job **job_p)
{
    struct alert_job *job = *job_p;
    if (job == NULL) {
        return;
    }
    if (job->body.data != NULL) {
        explicit_bzero(job->body.data, job->body.len); /* it may have PagerDuty's key */
    }
    buf_free(&job->body);
    free(job);
    *job_p = NULL;
}

/* ---- The sender's thread ---- */

/* All of it is the sender's thread's alone. Rules have one message each under way. */
struct sender_thread {
    void *socket;                                     /* its end of the pipe */
    bool stop;                                        /* The main thread wants it to end. */
    CURLM *multi;                                     /* what libcurl is to do */
    struct alert_post *posts[CONFIG_ALERTS_MAX];      /* messages under way */
    size_t post_count;                                /* how many */
    struct alert_command commands[CONFIG_ALERTS_MAX]; /* programs that run */
    size_t command_count;                             /* how many */
};

static void give_back(const struct sender_thread *t, struct alert_job *job)
{
    handover_give(job);
    zmq_send(t->socket, &job, sizeof(struct alert_job *), 0);
}

static void begin(struct sender_thread *t, struct alert_job *job)
{
    int status;
    if (job->rule->command != NULL) {
        status =
            alert_command_start(&t->commands[t->command_count], job, clock_mono(), &job->error);
        t->command_count += status == STATUS_OK;
    } else {
        struct alert_post *post = NULL;
        status = alert_post_create(job, &post, &job->error);
        if (status == STATUS_OK) {
            (void)curl_multi_add_handle(t->multi, alert_post_handle(post));
            t->posts[t->post_count++] = post;
        }
    }
    if (status != STATUS_OK) {
        give_back(t, job);
    }
}

static void take_jobs(struct sender_thread *t)
{
    struct alert_job *job = NULL;
    while (!t->stop && zmq_recv(t->socket, &job, sizeof(struct alert_job *), ZMQ_DONTWAIT) ==
                           (int)sizeof(struct alert_job *)) {
        if (job == NULL) {
            t->stop = true;
            return;
        }
        handover_take(job);
        begin(t, job);
    }
}

static void end_post(struct sender_thread *t, struct alert_post *post)
{
    (void)curl_multi_remove_handle(t->multi, alert_post_handle(post));
    for (size_t i = 0; i < t->post_count; i++) {
        if (t->posts[i] == post) {
            t->posts[i] = t->posts[--t->post_count];
            break;
        }
    }
    alert_post_destroy(&post);
}

static void finish_posts(struct sender_thread *t)
{
    int left;
    CURLMsg *message;
    (void)curl_multi_perform(t->multi, &left);
    while ((message = curl_multi_info_read(t->multi, &left)) != NULL) {
        struct alert_post *post = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post) != CURLE_OK) {
            continue;
        }
        struct alert_job *job = alert_post_job(post);
        alert_post_finish(post, message->data.result);
        end_post(t, post);
        give_back(t, job);
    }
}

static void finish_commands(struct sender_thread *t)
{
    const mono_time now = clock_mono();
    for (size_t i = t->command_count; i > 0; i--) {
        struct alert_job *job = t->commands[i - 1].job;
        if (alert_command_done(&t->commands[i - 1], now)) {
            t->commands[i - 1] = t->commands[--t->command_count];
            give_back(t, job);
        }
    }
}

/* Sleeps until there is something to do. */
static void await(const struct sender_thread *t)
{
    struct curl_waitfd fds[CONFIG_ALERTS_MAX + 1];
    int pipe_fd = -1;
    size_t size = sizeof pipe_fd;
    int wait_ms = WAIT_MAX_MS;
    unsigned count = 0;
    zmq_getsockopt(t->socket, ZMQ_FD, &pipe_fd, &size);
    fds[count++] = (struct curl_waitfd){pipe_fd, CURL_WAIT_POLLIN, 0};
    for (size_t i = 0; i < t->command_count; i++) {
        const struct alert_command *command = &t->commands[i];
        wait_ms = mono_ms_until(clock_mono(), command->until, wait_ms);
        if (command->fd >= 0) {
            fds[count++] = (struct curl_waitfd){command->fd, CURL_WAIT_POLLIN, 0};
        } else if (wait_ms > WAIT_BLIND_MS) {
            wait_ms = WAIT_BLIND_MS;
        }
    }
    (void)curl_multi_poll(t->multi, fds, count, wait_ms, NULL);
}

static void abandon(struct sender_thread *t)
{
    while (t->post_count != 0) {
        struct alert_job *job = alert_post_job(t->posts[0]);
        end_post(t, t->posts[0]);
        alert_job_destroy(&job);
    }
    for (size_t i = 0; i < t->command_count; i++) {
        alert_command_stop(&t->commands[i]);
        alert_job_destroy(&t->commands[i].job);
    }
}

static void sender_thread_main(zsock_t *pipe, void *arg)
{
    struct sender_thread *t = x_calloc(1, sizeof *t);
    (void)arg;
    t->socket = zsock_resolve(pipe);
    t->multi = curl_multi_init();
    zsock_signal(pipe, 0);
    take_jobs(t);
    while (!t->stop) {
        finish_posts(t);
        finish_commands(t);
        take_jobs(t); /* until nothing is left: the pipe's descriptor tells of news alone */
        if (!t->stop) {
            await(t);
            take_jobs(t);
        }
    }
    abandon(t);
    curl_multi_cleanup(t->multi);
    struct alert_job *none = NULL;
    zmq_send(t->socket, &none, sizeof(struct alert_job *), 0);
    free(t);
}

/* ---- The main thread ---- */

struct alert_sender *alert_sender_create(void)
{
    struct alert_sender *sender = x_calloc(1, sizeof *sender);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    sender->actor = zactor_new(sender_thread_main, NULL);
    return sender;
}

void *alert_sender_socket(const struct alert_sender *sender)
{
    return zsock_resolve(sender->actor);
}

void alert_sender_give(struct alert_sender *sender, struct alert_job *job)
{
    handover_give(job);
    zmq_send(alert_sender_socket(sender), &job, sizeof(struct alert_job *), 0);
}

struct alert_job *alert_sender_take(struct alert_sender *sender)
{
    struct alert_job *job = NULL;
    if (zmq_recv(alert_sender_socket(sender), &job, sizeof(struct alert_job *), ZMQ_DONTWAIT) !=
        (int)sizeof(struct alert_job *)) {
        return NULL;
    }
    handover_take(job);
    return job;
}

void alert_sender_destroy(struct alert_sender **sender_p)
{
    struct alert_sender *sender = *sender_p;
    if (sender == NULL) {
        return;
    }
    alert_sender_give(sender, NULL);
    for (;;) { /* what it gives back until it has ended is ours to free */
        struct alert_job *job = NULL;
        if (zmq_recv(alert_sender_socket(sender), &job, sizeof(struct alert_job *), 0) > 0 &&
            job == NULL) {
            break;
        }
        handover_take(job);
        alert_job_destroy(&job);
    }
    zactor_destroy(&sender->actor);
    curl_global_cleanup();
    free(sender);
    *sender_p = NULL;
}
