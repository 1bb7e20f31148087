/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/latency.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX "tilewire_gateway_"

static const char *const kinds[LATENCY_KINDS] = {"tile", "event"};
static const char *const stages[LATENCY_STAGES] = {"source", "ingestor", "transport", "gateway"};
static const char *const sinces[LATENCY_SINCES] = {"source", "arrival"};
static const char *const fetches[LATENCY_FETCHES] = {NULL, "tile", "tiles", "events"};

static int64_t clamped(int64_t us)
{
    return us < 0 ? 0 : us > LATENCY_MAX_US ? LATENCY_MAX_US : us;
}

static void add_stage(struct latency *latency, enum latency_kind kind, enum latency_stage stage,
                      int64_t us)
{
    latency->negative[kind][stage] += us < 0;
    latency->over_hour[kind][stage] += us > LATENCY_MAX_US;
    histogram_add(&latency->stages[kind][stage], clamped(us));
}

/* Enters the time between two moments, if both are known. */
static void add_between(struct latency *latency, enum latency_kind kind, enum latency_stage stage,
                        wall_time from, wall_time to)
{
    if (from.us != 0 && to.us != 0) {
        add_stage(latency, kind, stage, to.us - from.us);
    }
}

static uint32_t age_us(wall_time of, wall_time now)
{
    return of.us != 0 ? (uint32_t)clamped(now.us - of.us) : LATENCY_AGE_UNKNOWN;
}

struct latency_stamp latency_received(struct latency *latency, enum latency_kind kind,
                                      const struct latency_times *times, struct moment now)
{
    add_between(latency, kind, LATENCY_STAGE_SOURCE, times->source, times->arrival);
    add_between(latency, kind, LATENCY_STAGE_INGESTOR, times->arrival, times->published);
    add_between(latency, kind, LATENCY_STAGE_TRANSPORT, times->published, now.wall);
    return (struct latency_stamp){
        now.mono, {age_us(times->source, now.wall), age_us(times->arrival, now.wall)}};
}

void latency_written(struct latency *latency, enum latency_kind kind,
                     const struct latency_stamp *stamp, mono_time now)
{
    if (stamp->received.us == 0) {
        return;
    }
    const int64_t here_us = now.us - stamp->received.us;
    add_stage(latency, kind, LATENCY_STAGE_GATEWAY, here_us);
    for (size_t i = 0; i < LATENCY_SINCES; i++) {
        if (stamp->age_us[i] != LATENCY_AGE_UNKNOWN) {
            histogram_add(&latency->deliveries[kind][i], clamped(stamp->age_us[i] + here_us));
        }
    }
}

/* ---- Prometheus text ---- */

static void put_family(struct buf *out, const char *name, const char *second,
                       const char *const *values, size_t count, const struct histogram *histograms)
{
    char labels[64];
    for (size_t kind = 0; kind < LATENCY_KINDS; kind++) {
        for (size_t i = 0; i < count; i++) {
            snprintf(labels, sizeof labels, "kind=\"%s\",%s=\"%s\"", kinds[kind], second,
                     values[i]);
            histogram_put(out, name, labels, &histograms[kind * count + i]);
        }
    }
}

static void put_clamped(const struct latency *latency, struct buf *out)
{
    buf_append_text(out,
                    "# HELP " PREFIX "clamped_total Stages that would have taken less than "
                    "nothing, or more than an hour.\n# TYPE " PREFIX "clamped_total counter\n");
    for (size_t kind = 0; kind < LATENCY_KINDS; kind++) {
        for (size_t stage = 0; stage < LATENCY_STAGES; stage++) {
            buf_printf(out,
                       PREFIX "clamped_total{kind=\"%s\",stage=\"%s\",why=\"negative\"} %" PRIu64
                              "\n",
                       kinds[kind], stages[stage], latency->negative[kind][stage]);
            buf_printf(out,
                       PREFIX "clamped_total{kind=\"%s\",stage=\"%s\",why=\"over_hour\"} %" PRIu64
                              "\n",
                       kinds[kind], stages[stage], latency->over_hour[kind][stage]);
        }
    }
}

void latency_put(const struct latency *latency, struct buf *out)
{
    char labels[64];
    histogram_put_head(out, PREFIX "fetch_seconds",
                       "From a GET that was read to its answer sent; time spent waiting for news "
                       "is left out.");
    for (size_t i = LATENCY_FETCH_OTHER + 1; i < LATENCY_FETCHES; i++) {
        snprintf(labels, sizeof labels, "resource=\"%s\"", fetches[i]);
        histogram_put(out, PREFIX "fetch_seconds", labels, &latency->fetches[i]);
    }
    histogram_put_head(out, PREFIX "stage_seconds", "Time that news spent in each stage.");
    put_family(out, PREFIX "stage_seconds", "stage", stages, LATENCY_STAGES,
               &latency->stages[0][0]);
    histogram_put_head(out, PREFIX "delivery_seconds",
                       "Age of news when written to the streams' sockets, since the row's "
                       "timestamp and since its arrival at the ingestor.");
    put_family(out, PREFIX "delivery_seconds", "since", sinces, LATENCY_SINCES,
               &latency->deliveries[0][0]);
    histogram_put_head(out, PREFIX "turn_seconds",
                       "Turns of the gateway's loop; whatever comes meanwhile waits for the next.");
    histogram_put(out, PREFIX "turn_seconds", "", &latency->turns);
    put_clamped(latency, out);
}
