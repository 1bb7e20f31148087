/* SPDX-License-Identifier: Apache-2.0 */
/* One message on its way to whoever is told, and what comes of it. */
#ifndef INGESTOR_ALERTS_ALERT_JOB_H
#define INGESTOR_ALERTS_ALERT_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"

#define ALERT_ANSWER_MAX 65536              /* bytes of an answer that are read */
#define ALERT_RETRY_MAX_MS INT64_C(3600000) /* the longest wait that a receiver may ask for */

/* One message. */
struct alert_job {
    const struct config_alert *rule; /* borrowed; it outlives the sender */
    uint64_t round;                  /* of whoever gave it; the sender leaves it alone */
    struct buf body;                 /* what is told */
    bool heartbeat;                  /* It is the call of a dead man's switch. */
    bool taken;                      /* out: The receiver has taken it. */
    int64_t retry_ms;                /* out: how long the receiver wants to be left alone; 0 */
    struct error error;              /* out: why it was not taken */
};

#endif
