/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verify.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/xalloc.h"
#include "common/program/program.h"
#include "ctl/oracle/sources.h"
#include "ctl/verify/report.h"

#define RETRY_MS 50
#define RECENT_EVENTS 500 /* in which the newest row is looked for */
#define SILENT_US 5000000 /* without news from the ingestor for so long a cache is behind */

struct verify {
    const struct ctl *ctl;
    const struct verify_options *options;
    struct oracle_source *source;
    struct oracle_rows *rows;
    struct peer *peer;
    struct verdicts *verdicts;
    struct served served;
    int64_t target;
    mono_time deadline;
};

static bool time_is_left(const struct verify *v)
{
    return clock_mono().us < v->deadline.us;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- Positions: on SQLite that of a row is its id; on PostgreSQL late rows have moved them apart
 * ---- */

static int read_offset(struct verify *v, uint64_t *offset, struct error *err)
{
    struct peer_request request;
    const mp_value *reply;
    *offset = 0;
    if (v->source->position_is_id) {
        return STATUS_OK;
    }
    peer_request_begin(&request, "events");
    peer_request_uint(&request, "newest", RECENT_EVENTS);
    const int status = peer_ask(v->peer, &request, &reply, err);
    const mp_value *events = status == STATUS_OK ? mp_get(reply, "events") : NULL;
    int64_t newest = 0;
    for (size_t i = 0; i < mp_count(events); i++) {
        int64_t id;
        uint64_t ordinal;
        if (mp_as_int(mp_get(mp_get(mp_at(events, i), "e"), "id"), &id) &&
            mp_as_uint(mp_get(mp_at(events, i), "n"), &ordinal) && id > newest &&
            ordinal >= (uint64_t)id) {
            newest = id;
            *offset = ordinal - (uint64_t)id;
        }
    }
    return status;
}

/* Has the server taken in the target, and heard from the ingestor lately? */
static bool covers(const struct verify *v, const mp_value *ping, uint64_t offset, struct error *err)
{
    bool serving = false;
    struct str position = STR("");
    uint64_t ordinal = 0;
    wall_time as_of = {0};
    (void)mp_as_bool(mp_get(ping, "serving"), &serving);
    (void)mp_as_str(mp_get(ping, "position"), &position);
    (void)mp_as_uint(mp_get(ping, "ordinal"), &ordinal);
    (void)mp_as_int(mp_get(ping, "as_of"), &as_of.us);
    if (!serving) {
        error_set(err, STATUS_AGAIN, "it is not in service yet");
        return false;
    }
    char text[32] = "";
    memcpy(text, position.p, position.len < sizeof text ? position.len : sizeof text - 1);
    const uint64_t folded = strtoull(text, NULL, 10);
    const uint64_t reached = folded > ordinal ? folded : ordinal;
    if (reached < (uint64_t)v->target + offset) {
        error_set(err, STATUS_AGAIN, "it is at position %llu, and the newest row has id %lld",
                  (unsigned long long)reached, (long long)v->target);
        return false;
    }
    const int64_t silent_us = clock_wall().us - as_of.us;
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
        struct peer_request request;
        const mp_value *ping;
        uint64_t offset = 0;
        struct error why = {{0}};
        (void)read_offset(v, &offset, &why); /* refused as long as it is not in service */
        peer_request_begin(&request, "ping");
        const int status = peer_ask(v->peer, &request, &ping, err);
        if (status != STATUS_OK && status != STATUS_AGAIN) {
            return status;
        }
        if (status == STATUS_OK && covers(v, ping, offset, &why)) {
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

/* The snapshot first: the rows in its tiles are in the table then. */
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
    int result = EXIT_FAILED;
    if (run(&v, &unsettled, &err) == STATUS_OK) {
        const struct report report = {
            .ctl = ctl,
            .verdicts = v.verdicts,
            .rows = oracle_rows_count(v.rows),
            .unusable = v.source->unusable,
            .position = v.served.position,
        };
        report_print(&report);
        result = unsettled == 0 ? EXIT_SUCCESS : EXIT_FAILED;
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
