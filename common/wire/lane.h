/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: tiles are shared out among a fixed number of lanes by their keys, so that several
 * ingestors can each publish a part of them, and so that a gap in one lane's sequence concerns that
 * lane alone. All ingestors of a deployment are configured with the same number of lanes.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_LANE_H
#define COMMON_WIRE_LANE_H

#include "common/base/str.h"

#define LANES_MAX 64 /* Lanes are numbered from 0 to LANES_MAX - 1 at most. */

/*
 * Returns the lane, from 0 to lanes - 1, that the tile with this key belongs to: FNV-1a 64 of the
 * key, modulo lanes. A member of a family, `KEY/value`, belongs to the lane of KEY. lanes >= 1.
 *
 * This is part of the protocol (docs/protocol.md): all programs have to agree about it.
 */
unsigned lane_of_key(struct str key, unsigned lanes);

#endif
