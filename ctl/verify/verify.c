/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verify.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/xalloc.h"
#include "common/program/program.h"
#include "common/replica/answer.h"
#include "ctl/oracle/sources.h"
#include "ctl/verify/report.h"

#define RETRY_MS 50
#define RECENT_EVENTS 500 /* how many of the newest events are searched for the newest row */

/* A cache that has had no news from the ingestor for so long is behind. */
#define SILENT_US 5000000

struct verify {
    const struct ctl *ctl;
    const struct verify_options *options;
    struct oracle_source *source;
    struct oracle_rows *rows;
    struct peer *peer;
    struct verdicts *verdicts;
    struct served served; /* the last snapshot */
    int64_t target;       /* id of the newest row when verifying began */
    mono_time deadline;   /* tiles may take until then to become right */
};

static bool time_is_left(const struct verify *v)
{
    return clock_mono().us < v->deadline.us;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- Positions ---- */

/* Finds out by how much positions are ahead of ids: rows that were committed late move them apart,
 * unless a row's position is its id. */
static int read_offset(struct verify *v, uint64_t *offset, struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    struct answer_events page;
    *offset = 0;
    if (v->source->position_is_id) {
        return STATUS_OK;
    }
    query_request_begin(&request, QUERY_OP_EVENTS);
    query_request_uint(&request, QUERY_ARG_NEWEST, RECENT_EVENTS);
    const int status = peer_ask(v->peer, &request, &reply, err);
    if (status != STATUS_OK || !answer_read_events(reply, &page)) {
        return status;
    }
    int64_t newest = 0;
    for (size_t i = 0; i < mp_count(page.events); i++) {
        struct answer_event event;
        if (answer_read_event(mp_at(page.events, i), &event) && event.id.number > newest &&
            event.ordinal >= (uint64_t)event.id.number) {
            newest = event.id.number;
            *offset = event.ordinal - (uint64_t)event.id.number;
        }
    }
    return STATUS_OK;
}

/* A position as a number; what is none is 0. */
static uint64_t number_of(struct str position)
{
    char text[32] = "";
    for (size_t i = 0; i < position.len && i < sizeof text - 1; i++) {
        text[i] = position.p[i];
    }
    return strtoull(text, NULL, 10);
}

/* True when a server that answers a ping so has taken in the target, and has heard from the
 * ingestor lately. Else err says why not. */
static bool covers(const struct verify *v, const mp_value *reply, uint64_t offset,
                   struct error *err)
{
    struct answer_ping ping;
    if (!answer_read_ping(reply, &ping) || !ping.serving) {
        error_set(err, STATUS_AGAIN, "it is not in service yet");
        return false;
    }
    const uint64_t folded = number_of(ping.standing.position);
    const uint64_t ordinal = ping.standing.ordinal;
    const uint64_t reached = folded > ordinal ? folded : ordinal;
    if (reached < (uint64_t)v->target + offset) {
        error_set(err, STATUS_AGAIN, "it is at position %llu, and the newest row has id %lld",
                  (unsigned long long)reached, (long long)v->target);
        return false;
    }
    const int64_t silent_us = clock_wall().us - ping.standing.as_of.us;
    if (silent_us > SILENT_US && !v->options->allow_stale) {
        error_set(err, STATUS_AGAIN, "its last news from the ingestor are %lld s old",
                  (long long)(silent_us / US_PER_S));
        return false;
    }
    return true;
}

static int wait_until_covered(struct verify *v, struct error *err)
{
    for (;;) {
        struct query_request request;
        const mp_value *reply;
        uint64_t offset = 0;
        struct error why = {{0}};
        (void)read_offset(v, &offset,
                          &why); /* It is refused as long as the server is not in service. */
        query_request_begin(&request, QUERY_OP_PING);
        const int status = peer_ask(v->peer, &request, &reply, err);
        if (status != STATUS_OK && status != STATUS_AGAIN) {
            return status;
        }
        if (status == STATUS_OK && covers(v, reply, offset, &why)) {
            return STATUS_OK;
        }
        if (!time_is_left(v)) {
            return status != STATUS_OK
                       ? status
                       : error_set(err, STATUS_AGAIN, "cache is behind: %s", why.text);
        }
        pause_ms(RETRY_MS);
    }
}

/* ---- Comparing ---- */

/* The snapshot is read before the rows, so that all rows in its tiles are in the table. Sets
 * *unsettled to how many tiles are not right yet. */
static int compare_once(struct verify *v, size_t *unsettled, struct error *err)
{
    uint64_t offset;
    served_free(&v->served);
    int status = served_fetch(v->peer, &v->served, err);
    if (status == STATUS_OK) {
        status = read_offset(v, &offset, err);
    }
    if (status == STATUS_OK) {
        status = oracle_source_load(v->source, v->rows, err);
    }
    if (status == STATUS_OK) {
        const struct verdict_comparison comparison = {
            .rows = v->rows,
            .served = &v->served,
            .target = v->target,
            .offset = offset,
            .patience_ms = v->options->timeout_ms,
            .allow_stale = v->options->allow_stale,
        };
        *unsettled = verdicts_compare(v->verdicts, &comparison);
    }
    return status;
}

static int compare_until_settled(struct verify *v, size_t *unsettled, struct error *err)
{
    for (;;) {
        const bool last = !time_is_left(v);
        const int status = compare_once(v, unsettled, err);
        const bool again = status == STATUS_AGAIN || (status == STATUS_OK && *unsettled != 0);
        if (!again || last) {
            return status;
        }
        pause_ms(RETRY_MS);
    }
}

static int run(struct verify *v, size_t *unsettled, struct error *err)
{
    int status = config_need_source(v->ctl->config, err);
    if (status == STATUS_OK) {
        status = peer_create(v->ctl, &v->peer, err);
    }
    if (status == STATUS_OK) {
        status = oracle_source_open(v->ctl->config, &v->source, err);
    }
    if (status == STATUS_OK) {
        status = oracle_source_load(v->source, v->rows, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    v->target = v->source->newest;
    v->deadline = mono_add_ms(clock_mono(), v->options->timeout_ms);
    status = wait_until_covered(v, err);
    return status == STATUS_OK ? compare_until_settled(v, unsettled, err) : status;
}

int verify_run(const struct ctl *ctl, const struct verify_options *options)
{
    struct verify v = {.ctl = ctl, .options = options};
    struct error err = {{0}};
    size_t unsettled = 0;
    v.rows = oracle_rows_create(ctl->config);
    v.verdicts = verdicts_create();
    int result = PROGRAM_EXIT_FAILED;
    if (run(&v, &unsettled, &err) == STATUS_OK) {
        const struct report report = {
            .ctl = ctl,
            .verdicts = v.verdicts,
            .rows = oracle_rows_count(v.rows),
            .unusable = v.source->unusable,
            .position = v.served.position,
        };
        report_print(&report);
        if (v.source->warning.text[0] != '\0') {
            (void)ctl_fail(ctl, "warning: %s", v.source->warning.text);
        }
        result = unsettled == 0 ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
    } else {
        report_failure(ctl, err.text);
    }
    served_free(&v.served);
    verdicts_destroy(&v.verdicts);
    oracle_rows_destroy(&v.rows);
    oracle_source_close(&v.source);
    peer_destroy(&v.peer);
    return result;
}
