/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_push.h"

#include "common/program/metrics.h"
#include "common/replica/answer.h"

void ingestor_push_begin(struct ingestor *ingestor)
{
    const struct config *config = ingestor->config;
    for (size_t i = 0; i < config->source_count; i++) { /* one at most is such a source */
        if (config->sources[i].kind == SOURCE_PUSH) {
            ingestor->pushing.writer = push_writer_create(&config->sources[i]);
        }
    }
}

/* Why no events are taken just now; NULL: they are. */
static const char *closed(const struct ingestor *ingestor)
{
    if (ingestor->phase == INGESTOR_STANDBY) {
        return ingestor->answering.reason[0] != '\0' ? ingestor->answering.reason
                                                     : "this ingestor does not lead";
    }
    return lease_valid(ingestor->lease)
               ? NULL
               : "this ingestor does not know whether it still leads: ask again in a moment";
}

const char *ingestor_push_take(void *arg, struct str request, const char **code)
{
    struct ingestor *ingestor = arg;
    struct str frames[SERVER_FRAMES_MAX];
    if (!guard_may_push(ingestor->answering.guard, server_key(ingestor->answering.server))) {
        ingestor->pushing.refused++;
        *code = ANSWER_DENIED;
        return "by the clients file, whoever has this key pushes no events: give it `may: "
               "[subscribe, query, push]` there, and send SIGHUP to the ingestor";
    }
    const char *reason = closed(ingestor);
    if (reason == NULL) {
        struct push_job *job = push_job_create();
        job->frames = server_envelope(ingestor->answering.server, frames);
        for (size_t i = 0; i < job->frames; i++) {
            buf_append_str(&job->envelope[i], frames[i]);
        }
        buf_append_str(&job->request, request);
        if (push_writer_give(ingestor->pushing.writer, job)) {
            return NULL;
        }
        push_job_destroy(&job);
        reason = "as many pushed events wait for the disk as may: push more slowly";
    }
    ingestor->pushing.refused++;
    *code = ANSWER_UNAVAILABLE;
    return reason;
}

void ingestor_push_answer(struct ingestor *ingestor)
{
    struct ingestor_pushing *pushing = &ingestor->pushing;
    struct push_job *job;
    bool any = false;
    while ((job = push_writer_take(pushing->writer)) != NULL) {
        struct str frames[SERVER_FRAMES_MAX];
        for (size_t i = 0; i < job->frames; i++) {
            frames[i] = buf_str(&job->envelope[i]);
        }
        server_reply(ingestor->answering.server, frames, job->frames, buf_str(&job->reply));
        pushing->stored += !job->failed && !job->repeated ? job->events : 0;
        pushing->repeated += job->repeated;
        pushing->refused += job->failed;
        any = any || (!job->failed && !job->repeated);
        push_job_destroy(&job);
    }
    if (any) {
        reader_wake(ingestor->reader);
    }
}

void ingestor_push_saved(struct ingestor *ingestor)
{
    if (ingestor->pushing.writer != NULL) {
        push_writer_saved(ingestor->pushing.writer, ingestor->saving.saved_pushed);
    }
}

size_t ingestor_push_stats(const struct ingestor *ingestor, struct buf *out)
{
    const struct ingestor_pushing *pushing = &ingestor->pushing;
    const struct push_counters counters =
        pushing->writer != NULL ? push_writer_counters(pushing->writer) : (struct push_counters){0};
    const struct metric metrics[] = {
        {"pushed_events", pushing->stored},        {"pushes_repeated", pushing->repeated},
        {"pushes_refused", pushing->refused},      {"push_commits", counters.commits},
        {"push_commit_failures", counters.failed}, {"pushed_events_deleted", counters.deleted},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics);
}
