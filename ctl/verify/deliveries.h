/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows of the table had been delivered at which position, lane by lane. Ingestors that share
 * the lanes out read the table each for itself, and where ids do not commit in order each has an
 * order of its own; so each is asked for it:
 *
 *   lanes 0, 1 ── the server that verify asks        its event log is that of the owner of lane 0
 *   lanes 2, 3 ── an upstream of the cache            the ingestor that owns them
 *
 * So is it where ingestors share the partitions of a topic out.
 *
 * Where the ids are the order (SQLite) nobody has to be asked.
 */
#ifndef CTL_VERIFY_DELIVERIES_H
#define CTL_VERIFY_DELIVERIES_H

#include "common/replica/answer.h"
#include "ctl/oracle/duplicates.h"
#include "ctl/oracle/source.h"
#include "ctl/verify/order.h"

/* How the rows of one lane were delivered. */
struct delivery {
    const uint64_t *ordinals;            /* of each row of the table, by its index */
    const bool *replaced;                /* True when another row was delivered with that id. */
    struct oracle_duplicates duplicates; /* borrowed; zeroed when there are none */
    const bool *no_news;                 /* True: it may be passed over; NULL: no row may. */
    const struct order *order;           /* the order that they come from; borrowed */
    bool by_id;                          /* an ordinal is the row's id */

    /* False: the owner of the lane cannot be asked, and what is said here is another ingestor's
     * order. */
    bool sure;

    /* Positions up to here are not told apart; 0 when all are. */
    uint64_t floor;

    /* Rows that were in the table when verifying began, and are known to be delivered, have
     * ordinals up to here. */
    uint64_t target;
};

struct deliveries;

/* ctl and peer are borrowed, and outlive the deliveries. by_id: see struct delivery. newest_id: the
 * greatest id that was in the table when verifying began. */
struct deliveries *deliveries_create(const struct ctl *ctl, struct peer *peer, bool by_id,
                                     int64_t newest_id);
void deliveries_destroy(struct deliveries **deliveries);

/* Reads on in all event logs. ping is the server's answer to one. Fails as peer_ask does, for the
 * server itself: of an ingestor that does not answer another order takes the place. */
int deliveries_read(struct deliveries *deliveries, const struct answer_ping *ping,
                    struct error *err);

/* Reads on in the logs that were read, and in no other: quickly, so that none of them drops what
 * was not read, however long something else takes. What fails shows at the next deliveries_read. */
void deliveries_read_on(struct deliveries *deliveries);

/* Works out the ordinals of the rows, by what was read last. To be called whenever rows have
 * changed; rows are borrowed during the call. */
void deliveries_place(struct deliveries *deliveries, const struct oracle_rows *rows);

/* The lane of partitioned families that a row of a partition is folded on; only where the
 * configuration has `partitions`. */
unsigned deliveries_lane_of_row(const struct config *config, const struct oracle_rows *rows,
                                size_t row);

/* Owned by the deliveries, and valid until the next call that changes them. */
const struct delivery *deliveries_of(const struct deliveries *deliveries, unsigned lane);

#endif
