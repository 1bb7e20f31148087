/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom to tell when a tile is in trouble: the section `alerts`. Each entry is a rule with one place
 * that its messages go to. docs/alerts.md describes them for people.
 *
 * Read-only, and part of struct config with all that it points to.
 */
#ifndef COMMON_CONFIG_ALERTS_H
#define COMMON_CONFIG_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/config/tiles.h"

#define CONFIG_ALERTS_MAX 64         /* entries of `alerts` */
#define CONFIG_ALERT_NAME_MAX 64     /* bytes of the name of one of them */
#define CONFIG_ALERT_PATTERNS_MAX 64 /* patterns of keys */
#define CONFIG_ALERT_LABELS_MAX 16   /* labels that each alert gets */
#define CONFIG_ALERT_WORDS_MAX 32    /* words of a command, and addresses of a mail */

/* What a webhook understands. */
enum config_alert_format {
    CONFIG_ALERT_JSON,         /* Tilewire's own, docs/contracts/alert.json */
    CONFIG_ALERT_ALERTMANAGER, /* POST /api/v2/alerts of Alertmanager */
    CONFIG_ALERT_SLACK,        /* {"text": …}, which Mattermost and others take as well */
    CONFIG_ALERT_PAGERDUTY,    /* Events API v2 */
};

/* A label that all alerts of a rule have. */
struct config_alert_label {
    const char *name;  /* letters, digits and _ */
    const char *value; /* 1 to 256 bytes */
};

struct config_alert {
    const char *name;       /* letters, digits, - and _; unique */
    struct str *tiles;      /* patterns of the keys of tiles and members; NULL: all keys */
    size_t tile_count;      /* 0 to CONFIG_ALERT_PATTERNS_MAX */
    enum tile_level status; /* the least level that is told */
    int64_t for_ms;         /* how long a tile has to be at it before it is told: 0 to 7 d */
    int64_t wait_ms;        /* how long a message waits for others to go with it: 0 to 1 h */
    int64_t repeat_ms;      /* how often it is told again while it lasts: 10 s to 30 d; 0: never */
    bool resolved;          /* True: it is told, too, when it is over. */
    int64_t heartbeat_ms;   /* of a dead man's switch: how often it is called: 1 s to 1 d; else 0 */

    const char *webhook;      /* an http(s) address; NULL: webhook_file, or another kind of place */
    const char *webhook_file; /* a file whose first line is the address, which is a secret */
    enum config_alert_format format;   /* of the webhook */
    const char *token_file;            /* a file with a bearer token for the webhook; NULL: none */
    const char *routing_key_file;      /* a file with PagerDuty's integration key; else NULL */
    const char *ca_file;               /* whose certificates count; NULL: those of the system */
    struct config_alert_label *labels; /* of each alert, beside its own */
    size_t label_count;                /* 0 to CONFIG_ALERT_LABELS_MAX */

    const char **command; /* a program's path and its arguments; NULL: another kind of place */
    size_t command_count; /* 0 to CONFIG_ALERT_WORDS_MAX */

    const char **mail_to;   /* addresses; NULL: another kind of place */
    size_t mail_to_count;   /* 0 to CONFIG_ALERT_WORDS_MAX */
    const char *mail_from;  /* who it says it is from */
    const char *mail_relay; /* smtp://HOST:PORT, of a relay that asks for no password */

    int64_t timeout_ms; /* how long a message may take: 100 ms to 5 min */
};

#endif
