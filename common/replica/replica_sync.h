/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a replica asks of its upstreams, and when: pings, and one snapshot at a time.
 *
 *     replica                                          upstream
 *     TILES   ── snapshot {after: 0} ──────────────────────►
 *             ◄─ tiles, next: 120, more: true ──────────────
 *             ── snapshot {after: 120} ────────────────────►
 *             ◄─ tiles, versions: S, more: false ───────────
 *     EVENTS  ── events {after: 4711} ─────────────────────►    if lane 0 gains by S
 *             ◄─ events, versions >= S, more: false ────────
 *     IDLE    each lane that gains by it jumps to S
 *
 * What goes wrong (no answer in time, an error, another run of the server, a server that is behind)
 * leads back to IDLE, and after a pause to the next upstream.
 *
 * Part of the replica: only its files include this.
 */
#ifndef COMMON_REPLICA_REPLICA_SYNC_H
#define COMMON_REPLICA_REPLICA_SYNC_H

#include "common/replica/replica_state.h"

/* Each asks for the next page of the snapshot that is under way. */
void replica_sync_ask_tiles(struct replica *r, mono_time now);
void replica_sync_ask_events(struct replica *r, uint64_t after, mono_time now);

/* Asks for the first page of events: the newest when none are held here; else those that follow on
 * what is held and, where that is not confirmed (history.h), the last of what is held again. */
void replica_sync_begin_events(struct replica *r, mono_time now);

/* Gives up the snapshot that is under way, which failed or was of no use. The next one is begun
 * after 20 ms, and after twice as long with each failure in a row, up to 640 ms. */
void replica_sync_abandon(struct replica *r, mono_time now);

/* Sends the pings that are due, gives up a page that does not come, and begins a snapshot when a
 * lane needs one. */
void replica_sync_tick(struct replica *r, mono_time now);

/* When replica_sync_tick next has something to do; MONO_NEVER is possible. */
mono_time replica_sync_due(const struct replica *r, mono_time now);

#endif
