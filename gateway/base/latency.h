/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How old news is when browsers get it, and where the time went (docs/monitoring.md):
 *
 *   row's timestamp ──source──► read by the ingestor ──ingestor──► published
 *                  ──transport──► received here ──gateway──► written to the streams' sockets
 *
 * Machines' clocks differ, and rows may have any timestamp: a negative stage is entered as 0, one
 * of more than an hour as one hour, and how often that happened is counted.
 *
 * Pure. One thread. To begin with, all is zero.
 */
#ifndef GATEWAY_BASE_LATENCY_H
#define GATEWAY_BASE_LATENCY_H

#include "common/base/histogram.h"
#include "common/base/time/clock.h"

#define LATENCY_MAX_US (INT64_C(3600) * US_PER_S)

enum latency_kind { LATENCY_TILE, LATENCY_EVENT, LATENCY_KINDS };
enum latency_stage {
    LATENCY_STAGE_SOURCE,
    LATENCY_STAGE_INGESTOR,
    LATENCY_STAGE_TRANSPORT,
    LATENCY_STAGE_GATEWAY,
    LATENCY_STAGES
};
enum latency_since { LATENCY_SINCE_SOURCE, LATENCY_SINCE_ARRIVAL, LATENCY_SINCES };
enum latency_fetch {
    LATENCY_FETCH_OTHER,
    LATENCY_FETCH_TILE,
    LATENCY_FETCH_TILES,
    LATENCY_FETCH_EVENTS,
    LATENCY_FETCHES
};

struct latency {
    struct histogram stages[LATENCY_KINDS][LATENCY_STAGES]; /* How long the stages on the way of
                                                               tiles and events took. */
    struct histogram deliveries[LATENCY_KINDS]
                               [LATENCY_SINCES]; /* How old they were when they were delivered, by
                                                    the clock that they are measured from. */
    struct histogram fetches[LATENCY_FETCHES];   /* Answers; LATENCY_FETCH_OTHER stays empty. */
    struct histogram turns; /* How long the turns of the gateway's loop took. */
    uint64_t negative[LATENCY_KINDS][LATENCY_STAGES];  /* Stages that were negative. */
    uint64_t over_hour[LATENCY_KINDS][LATENCY_STAGES]; /* Stages of more than an hour. */
};

/* When a piece of news was where. {0} is an unknown time: what needs it is not measured. */
struct latency_times {
    wall_time source;    /* The row's own timestamp. */
    wall_time arrival;   /* When the ingestor had read the row. */
    wall_time published; /* When the ingestor published what came of it. */
};

#define LATENCY_AGE_UNKNOWN UINT32_MAX

/* What a frame keeps of these times until it is written. Nothing is measured when all is zero. */
struct latency_stamp {
    mono_time received; /* When this gateway received the news. */
    /* How old the news was then: at most LATENCY_MAX_US, or LATENCY_AGE_UNKNOWN. */
    uint32_t age_us[LATENCY_SINCES];
};

/* Enters the stages up to this gateway, which received the news now. Returns its stamp. */
struct latency_stamp latency_received(struct latency *latency, enum latency_kind kind,
                                      const struct latency_times *times, struct moment now);

/* Enters the stage within this gateway, and how old the news is: each stream that could take it has
 * it now. */
void latency_written(struct latency *latency, enum latency_kind kind,
                     const struct latency_stamp *stamp, mono_time now);

/* Appends all of it as Prometheus text. */
void latency_put(const struct latency *latency, struct buf *out);

#endif
