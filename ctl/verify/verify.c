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
#define TOKEN_FILE_MAX 8200 /* bytes: a token, the line's end and a NUL */
#define READ_ON_MS 200      /* how often the log of events is read while rows are */

/* A tile that is unprovable is looked at for so long, to see how it changes. */
#define PROVE_MS 1500

/* A cache that has had no news from the ingestor for so long is behind. */
#define SILENT_US 5000000

struct verify {
    const struct ctl *ctl;
    const struct verify_options *options;
    struct oracle_source *source;
    struct oracle_rows *rows;
    struct peer *peer;
    struct deliveries *deliveries;
    struct verdicts *verdicts;
    struct served served;     /* the last snapshot */
    uint64_t lanes;           /* all that were served in one of the snapshots */
    struct oracle_view *view; /* these three are NULL unless a gateway is asked */
    struct web *web;
    struct shown *shown;
    wall_time began;       /* what tiles have to be true for, by the ingestor's clock */
    mono_time deadline;    /* tiles may take until then to become right */
    mono_time read_on_at;  /* when the log of events is to be read again */
    mono_time prove_until; /* {0}: nothing is unprovable yet */
};

static bool time_is_left(const struct verify *v)
{
    return clock_mono().us < v->deadline.us;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- Waiting for the server ---- */

static int ping(struct verify *v, struct answer_ping *out, struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    query_request_begin(&request, QUERY_OP_PING);
    const int status = peer_ask(v->peer, &request, &reply, err);
    if (status == STATUS_OK && !answer_read_ping(reply, out)) {
        return error_set(err, STATUS_INVALID,
                         "the server's answer to a ping cannot be read; is it of another version?");
    }
    return status;
}

/* True when a server that answers a ping so is in service, and has heard from the ingestor lately.
 * Else err says why not. */
static bool is_current(const struct verify *v, const struct answer_ping *answer, struct error *err)
{
    if (!answer->serving) {
        error_set(err, STATUS_AGAIN, "it is not in service yet");
        return false;
    }
    const int64_t silent_us = clock_wall().us - answer->standing.as_of.us;
    if (silent_us > SILENT_US && !v->options->allow_stale) {
        error_set(err, STATUS_AGAIN, "its last news from the ingestor are %lld s old",
                  (long long)(silent_us / US_PER_S));
        return false;
    }
    return true;
}

static int wait_until_current(struct verify *v, struct error *err)
{
    for (;;) {
        struct error why = {{0}};
        struct answer_ping answer;
        const int status = ping(v, &answer, err);
        if (status != STATUS_OK && status != STATUS_AGAIN) {
            return status;
        }
        if (status == STATUS_OK && is_current(v, &answer, &why)) {
            v->began = answer.standing.as_of;
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

/* The rows of a large table take long to read, and meanwhile the log of events goes on. */
static void read_on(void *arg)
{
    struct verify *v = arg;
    if (v->deliveries != NULL && clock_mono().us >= v->read_on_at.us) {
        deliveries_read_on(v->deliveries);
        v->read_on_at = mono_add_ms(clock_mono(), READ_ON_MS);
    }
}

/* A server that turns to an ingestor that has just started, or to another one, serves fewer lanes
 * for a moment, or none. What it does not serve cannot be judged, and was not found to be right. */
static int check_lanes(struct verify *v, struct error *err)
{
    v->lanes |= v->served.lanes;
    return v->lanes != 0 && (v->lanes & ~v->served.lanes) == 0
               ? STATUS_OK
               : error_set(
                     err, STATUS_AGAIN,
                     "the server lacks the tiles of an ingestor that has gone, or just begun");
}

/*
 * The snapshot is read first, then the rows, and the order of delivery all the time: so each row
 * that is in a tile has its place in the order, and is in the table, unless it is gone; and a row
 * that was committed while rows were read has its place, or is seen to have none yet.
 */
static int compare_once(struct verify *v, bool last, struct error *err)
{
    struct answer_ping answer;
    served_free(&v->served);
    int status = served_fetch(v->peer, &v->served, err);
    if (status == STATUS_OK) {
        status = check_lanes(v, err);
    }
    if (status == STATUS_OK && v->web != NULL) {
        status = shown_fetch(v->shown, v->web, err);
    }
    if (status == STATUS_OK) {
        status = ping(v, &answer, err);
    }
    if (status == STATUS_OK) {
        status = deliveries_read(v->deliveries, &answer, err);
    }
    if (status == STATUS_OK) {
        status = last ? oracle_source_load_anew(v->source, v->rows, err)
                      : oracle_source_load(v->source, v->rows, err);
    }
    if (status == STATUS_OK) {
        deliveries_read_on(v->deliveries);
        if (v->served.as_of.us <
            v->began.us) { /* the ingestor's clock was ahead, and was set back */
            v->began = v->served.as_of;
        }
        const struct verdict_comparison comparison = {
            .source = v->source,
            .rows = v->rows,
            .served = &v->served,
            .deliveries = v->deliveries,
            .shown = v->shown,
            .began = v->began,
            .patience_ms = v->options->timeout_ms,
            .allow_stale = v->options->allow_stale,
        };
        deliveries_place(v->deliveries, v->rows);
        (void)verdicts_compare(v->verdicts, &comparison);
    }
    return status;
}

/* True when another look could change what was found. */
static bool goes_on(struct verify *v)
{
    size_t count;
    (void)verdicts_findings(v->verdicts, &count);
    if (count != verdicts_unprovable(v->verdicts) || verdicts_building(v->verdicts) != 0) {
        return true;
    }
    if (v->prove_until.us == 0) {
        v->prove_until = mono_add_ms(clock_mono(), PROVE_MS);
    }
    return verdicts_open(v->verdicts) != 0 && clock_mono().us < v->prove_until.us;
}

static int compare_until_settled(struct verify *v, struct error *err)
{
    for (;;) {
        const bool last = !time_is_left(v);
        const int status = compare_once(v, last, err);
        const bool again = status == STATUS_AGAIN || (status == STATUS_OK && goes_on(v));
        if (!again || last) {
            return status;
        }
        pause_ms(RETRY_MS);
    }
}

/* Who is asked over HTTP, and what that client may see. */
static int prepare_http(struct verify *v, struct error *err)
{
    const struct verify_options *options = v->options;
    char text[TOKEN_FILE_MAX];
    struct web_config config = {.url = options->http,
                                .ca_file = options->ca_file,
                                .token = STR_NULL,
                                .insecure = v->ctl->config->insecure,
                                .timeout_ms = (int)options->timeout_ms};
    int status = STATUS_OK;
    if (options->token_file != NULL) {
        status = config_read_secret(options->token_file, text, sizeof text, err);
        config.token = str_trim(str_of(text));
    }
    if (status == STATUS_OK) {
        status = oracle_view_create(v->ctl->config, config.token, &v->view, err);
    }
    if (status == STATUS_OK) {
        status = web_create(&config, &v->web, err);
    }
    if (status == STATUS_OK) {
        v->shown = shown_create(v->view);
    }
    return status;
}

static int run(struct verify *v, struct error *err)
{
    int status = config_need_source(v->ctl->config, err);
    if (status == STATUS_OK && v->options->http != NULL) {
        status = prepare_http(v, err);
    }
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
    v->deliveries =
        deliveries_create(v->ctl, v->peer, v->source->position_is_id, v->source->newest);
    v->source->between = read_on;
    v->source->arg = v;
    v->deadline = mono_add_ms(clock_mono(), v->options->timeout_ms);
    status = wait_until_current(v, err);
    return status == STATUS_OK ? compare_until_settled(v, err) : status;
}

static int exit_status(const struct verdicts *verdicts)
{
    size_t count;
    (void)verdicts_findings(verdicts, &count);
    if (count == 0) {
        return EXIT_SUCCESS;
    }
    return count == verdicts_unprovable(verdicts) ? VERIFY_EXIT_UNPROVABLE : PROGRAM_EXIT_FAILED;
}

int verify_run(const struct ctl *ctl, const struct verify_options *options)
{
    struct verify v = {.ctl = ctl, .options = options};
    struct error err = {{0}};
    v.rows = oracle_rows_create(ctl->config);
    v.verdicts = verdicts_create();
    int result = PROGRAM_EXIT_FAILED;
    if (run(&v, &err) == STATUS_OK) {
        const struct report report = {
            .ctl = ctl,
            .verdicts = v.verdicts,
            .rows = oracle_rows_count(v.rows),
            .unusable = v.source->unusable,
            .position = v.served.position,
            .over_http = v.web != NULL,
        };
        report_print(&report);
        if (v.source->warning.text[0] != '\0') {
            (void)ctl_fail(ctl, "warning: %s", v.source->warning.text);
        }
        result = exit_status(v.verdicts);
    } else {
        report_failure(ctl, err.text);
    }
    served_free(&v.served);
    shown_destroy(&v.shown);
    web_destroy(&v.web);
    oracle_view_destroy(&v.view);
    verdicts_destroy(&v.verdicts);
    deliveries_destroy(&v.deliveries);
    oracle_rows_destroy(&v.rows);
    oracle_source_close(&v.source);
    peer_destroy(&v.peer);
    return result;
}
