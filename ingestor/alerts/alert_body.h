/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message of alerts says, in the words of its receiver:
 *
 *   json          ours: docs/contracts/alert.json; commands get it, too
 *   alertmanager  https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml,
 * postAlerts slack         https://api.slack.com/messaging/webhooks pagerduty
 * https://developer.pagerduty.com/docs/events-api-v2-overview mail          RFC 5322
 *
 * Pure.
 */
#ifndef INGESTOR_ALERTS_ALERT_BODY_H
#define INGESTOR_ALERTS_ALERT_BODY_H

#include "common/base/buf.h"
#include "ingestor/alerts/alert_book.h"

#define ALERT_DATA_MAX 4096 /* bytes of a tile's data that a message carries */

/* One alert as it is told. */
struct alert_line {
    const char *key;        /* the tile's */
    const char *title;      /* the tile's */
    enum tile_level level;  /* at which it is, or was until it was over */
    bool over;              /* It is told that it is over. */
    bool again;             /* The receiver has been told that it is firing. */
    enum tile_level before; /* of `again`: at which level */
    int64_t since_us;       /* when it began */
    int64_t ended_us;       /* when it ended; 0: it has not */
    struct str data;        /* the tile's data as JSON; STR_NULL: unknown, or too large */
    struct str value;       /* the tile's one number as text; STR_NULL: it has none */
    const char *link;       /* where the tile leads to; NULL: nowhere */
};

/* A message: alerts of one rule, or the call of a dead man's switch, which has none. */
struct alert_message {
    const struct config_alert *rule; /* whom it is for */
    const struct alert_line *lines;  /* the alerts */
    size_t count;                    /* how many; 0: it is a heartbeat */
    wall_time now;                   /* when it is told */
    const char *routing_key;         /* of PagerDuty, which takes one alert; else NULL */
};

/* Appends the body for the rule's webhook or command. */
void alert_body_put(struct buf *out, const struct alert_message *message);

/* Appends the mail with its headers, whose lines end with CR and LF. */
void alert_body_put_mail(struct buf *out, const struct alert_message *message);

/* Appends one sentence for people: "Tickets at risk is critical: 12 (since …)". */
void alert_body_put_sentence(struct buf *out, const struct alert_line *line);

#endif
