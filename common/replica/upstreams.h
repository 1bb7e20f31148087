/* SPDX-License-Identifier: Apache-2.0 */
/* The upstreams of a replica: which of them live, what they serve, and which is asked next. Part of
 * the replica: only its files include this. */
#ifndef COMMON_REPLICA_UPSTREAMS_H
#define COMMON_REPLICA_UPSTREAMS_H

#include "common/replica/replica_state.h"

/* True when the upstream has answered a ping within the last REPLICA_DEAD_MS, or bytes of an answer
 * have come within that time: over a narrow way the answers to pings wait behind a page. */
bool upstreams_alive(const struct replica *r, unsigned upstream, mono_time now);

/* The number of lanes of the deployment, by the living upstreams: the highest that any of them
 * says; 0 when none knows. */
unsigned upstreams_lanes(const struct replica *r, mono_time now);

/* From how many living upstreams the lane's deltas can come. */
unsigned upstreams_serving(const struct replica *r, unsigned lane, mono_time now);

/* Chooses the next living upstream that serves one of the lanes (bit i: lane i): the one that was
 * asked last, if that went well, or else from the one after it on. Returns false when there is
 * none. */
bool upstreams_choose(const struct replica *r, uint64_t lanes, mono_time now, unsigned *chosen);

/* Remembers a ping that was sent. */
void upstreams_note_ping(struct replica *r, unsigned upstream, uint32_t tag, mono_time now);

/* The ping with that tag, if it is one of the last REPLICA_PINGS_KEPT of that upstream; else NULL.
 */
const struct replica_ping *upstreams_find_ping(const struct replica *r, unsigned upstream,
                                               uint32_t tag);

#endif
