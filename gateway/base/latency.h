/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How old news are when browsers get them, and where the time went (docs/monitoring.md):
 *
 *   row's timestamp ──source──► read by the ingestor ──ingestor──► published
 *                  ──transport──► received here ──gateway──► written to the streams' sockets
 *
 * Pure, one thread. Machines' clocks differ, and rows may have any timestamp: what is less than
 * nothing counts as nothing, what is more than an hour as an hour, and both are counted.
 */
#ifndef GATEWAY_BASE_LATENCY_H
#define GATEWAY_BASE_LATENCY_H

#include "common/base/clock.h"
#include "common/base/histogram.h"

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
    struct histogram stages[LATENCY_KINDS][LATENCY_STAGES];
    struct histogram deliveries[LATENCY_KINDS][LATENCY_SINCES];
    struct histogram fetches[LATENCY_FETCHES]; /* LATENCY_FETCH_OTHER is not measured */
    struct histogram turns;                    /* of the gateway's loop */
    uint64_t negative[LATENCY_KINDS][LATENCY_STAGES];
    uint64_t over_hour[LATENCY_KINDS][LATENCY_STAGES];
};

/* Times of a piece of news; {0}: unknown, and then what needs it is not measured. */
struct latency_times {
    wall_time source; /* the row's own timestamp */
    wall_time arrival;
    wall_time published;
};

#define LATENCY_AGE_UNKNOWN UINT32_MAX

/* What a frame keeps of them until it is written. All zero: nothing is to be measured. */
struct latency_stamp {
    mono_time received;
    uint32_t age_us[LATENCY_SINCES]; /* when it was received; at most LATENCY_MAX_US, or
                                        LATENCY_AGE_UNKNOWN */
};

/* News came. */
struct latency_stamp latency_received(struct latency *latency, enum latency_kind kind,
                                      const struct latency_times *times, struct moment now);

/* Each stream that could take them has them. */
void latency_written(struct latency *latency, enum latency_kind kind,
                     const struct latency_stamp *stamp, mono_time now);

/* Appends all as Prometheus text. */
void latency_put(const struct latency *latency, struct buf *out);

#endif
