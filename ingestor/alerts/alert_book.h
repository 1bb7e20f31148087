/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has been told what. Each entry of `alerts` is a rule here, and each tile that is at the
 * rule's level, or was when it was last told, an alert of the rule:
 *
 *   tile     ok ──► critical ───────────────────────────────► ok
 *                      │◄─ for ─►│◄ wait ►│                    │◄ wait ►│
 *   told                                  firing   … repeat            resolved, and forgotten
 *
 * Nothing is told for what a tile shows, but for the difference to what its receiver has taken: so
 * a restart, a rebuild or a late row tells nothing twice, and what could not be handed over stays
 * due until it is. What was due is told even if it is over by then, first that it began and then
 * that it ended. It is saved with the tiles (alert_record.h), so each message is taken at least
 * once: again after a crash that came between the receiver's answer and the save.
 *
 * A silence keeps what it matches from being told as firing, and from being remembered when it ends
 * meanwhile. What was told as firing is told as resolved, silence or not.
 *
 * Pure: no clock, no sockets. A book belongs to one thread.
 */
#ifndef INGESTOR_ALERTS_ALERT_BOOK_H
#define INGESTOR_ALERTS_ALERT_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/table.h"

#include "common/base/backoff.h"
#include "common/base/heap.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

#define ALERTS_MAX 10000        /* alerts of all rules; further ones are counted */
#define ALERT_SILENCES_MAX 1000 /* silences at once */
#define ALERT_MESSAGE_MAX 100   /* alerts of one message; what is left goes with the next */

/* What the receiver of a rule has taken of an alert. */
struct alert_told {
    bool firing;           /* It was told that it began, and not that it ended. */
    enum tile_level level; /* as which */
    int64_t at_us;         /* when it was told last */
};

/* One tile under one rule. */
struct alert {
    UT_hash_handle by_key;         /* in its rule */
    struct heap_item due;          /* in its rule: when it is to be told next, by the wall clock */
    struct alert_rule *rule;       /* the rule that it belongs to */
    uint64_t number;               /* of its record; from 1 */
    char *key;                     /* the tile's; owned */
    char *title;                   /* the tile's; owned */
    enum tile_level level;         /* at which the tile is, or was */
    int64_t since_us;              /* since when it has been at the rule's level at least */
    int64_t ended_us;              /* when it was no longer; 0: it is */
    struct alert_told told;        /* what the receiver knows */
    bool seen;                     /* in the round that alert_book_mark began */
    bool unsaved;                  /* Its record is another than the stored one. */
    bool leaving;                  /* It goes with the message that is under way. */
    bool leaving_over;             /* as resolved */
    enum tile_level leaving_level; /* as which level */
};

/* One entry of `alerts`. */
struct alert_rule {
    const struct config_alert *config; /* borrowed */
    struct alert *alerts;              /* a table by key; owned */
    struct heap due;                   /* of alerts that are due some time */
    int64_t gathers_until_us; /* When the message that waits for others leaves; 0: none waits. */
    bool busy;                /* A message is under way. */
    bool failing;             /* The last one was not taken. */
    mono_time retry_at;       /* not before */
    struct backoff backoff;   /* after messages that were not taken */
    struct alert *leaving[ALERT_MESSAGE_MAX]; /* alerts of the message that is under way */
    size_t leaving_count;                     /* how many */
    mono_time heartbeat_at;                   /* of a dead man's switch: the next call */
};

struct alert_silence {
    char *pattern;   /* of keys; owned */
    wall_time until; /* when it is over */
};

struct alert_counters {
    uint64_t firing;   /* now, told or not */
    uint64_t waiting;  /* due now, and not told */
    uint64_t silences; /* that are not over */
    uint64_t messages; /* that were taken; only grows, as do those that follow */
    uint64_t failures; /* messages that were not taken */
    uint64_t refused;  /* alerts beyond ALERTS_MAX */
};

/* What is known of a tile's status. */
enum alert_sight {
    ALERT_UNKNOWN, /* nothing, since the tile is being built */
    ALERT_OK,      /* the tile is not in trouble, has no conditions, or is gone */
    ALERT_TROUBLE, /* it is at `level` */
};

struct alert_view {
    struct str key;         /* the tile's */
    const char *title;      /* the tile's */
    enum alert_sight sight; /* what is known */
    enum tile_level level;  /* of ALERT_TROUBLE */
    wall_time since;        /* of ALERT_TROUBLE and ALERT_OK: when the status became what it is */
};

struct alert_book {
    struct alert_rule *rules;       /* in the order of the file; owned */
    size_t rule_count;              /* how many */
    struct alert_silence *silences; /* owned */
    size_t silence_count;           /* how many */
    bool silences_unsaved;          /* Their record is another than the stored one. */
    bool unsaved;                   /* alert_record_save has something to save. */
    size_t count;                   /* alerts of all rules */
    uint64_t next_number;           /* of the next record */
    uint64_t *gone;                 /* numbers of records to be taken away; owned */
    size_t gone_count;              /* how many */
    size_t gone_cap;                /* how many there is memory for */
    struct alert_counters counters; /* those that only grow */
};

/* The book of a configuration without rules costs nothing. config is borrowed, and outlives it. The
 * caller ends it with alert_book_free. seed: of the waits after failures. */
void alert_book_init(struct alert_book *book, const struct config *config, uint64_t seed);
void alert_book_free(struct alert_book *book);

/* Goes over to the rules of another configuration; alerts of a rule that has the same name go on.
 * No message may be under way: alert_book_abandon gives them up, and they are due again. */
void alert_book_change(struct alert_book *book, const struct config *config, wall_time now);
void alert_book_abandon(struct alert_book *book, wall_time now);

/* A tile was published. */
void alert_book_see(struct alert_book *book, const struct alert_view *view, wall_time now);

/* Between the two all tiles that there are were published: the alerts of others are over. */
void alert_book_mark(struct alert_book *book);
void alert_book_sweep(struct alert_book *book, wall_time now);

/* Makes up the next message of the rule: up to ALERT_MESSAGE_MAX alerts, one for PagerDuty, in
 * rule->leaving. False: there is nothing to be told now. */
bool alert_rule_gather(struct alert_rule *rule, struct moment now);

/* The message was taken, or was not, and must not be tried again within retry_ms. */
void alert_book_taken(struct alert_book *book, struct alert_rule *rule, wall_time now);
void alert_book_failed(struct alert_book *book, struct alert_rule *rule, int64_t retry_ms,
                       struct moment now);

/* Microseconds until alert_rule_gather has something to do; INT64_MAX: never. */
int64_t alert_book_wait_us(const struct alert_book *book, struct moment now);

/* Silences the keys that match until then; a time that has passed ends that silence. False: there
 * are ALERT_SILENCES_MAX. */
bool alert_book_silence(struct alert_book *book, struct str pattern, wall_time until,
                        wall_time now);

/* When the key is silenced no longer; 0: it is not. */
int64_t alert_book_silenced_until(const struct alert_book *book, struct str key, wall_time now);

struct alert_counters alert_book_counters(const struct alert_book *book, wall_time now);

/* The rule with that name; NULL: there is none. */
struct alert_rule *alert_book_rule(const struct alert_book *book, const char *name);

/* Adds an alert, for alert_record.c; NULL: there are ALERTS_MAX. */
struct alert *alert_book_add(struct alert_book *book, struct alert_rule *rule, struct str key,
                             const char *title);

/* The record with that number is to be taken away. */
void alert_book_drop(struct alert_book *book, uint64_t number);

/* Finds out anew when it is due. */
void alert_book_plan(struct alert_book *book, struct alert *alert, wall_time now);

#endif
