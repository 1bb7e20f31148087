/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/upstreams.h"

bool upstreams_alive(const struct replica *r, unsigned upstream, mono_time now)
{
    const struct replica_upstream *u = &r->upstreams[upstream];
    return u->answered && !replica_time_passed(u->answered_at, REPLICA_DEAD_MS, now);
}

static bool serves(const struct replica *r, unsigned upstream, uint64_t lanes, mono_time now)
{
    const struct replica_upstream *u = &r->upstreams[upstream];
    return u->serving && (u->lanes_owned & lanes) != 0 && upstreams_alive(r, upstream, now);
}

unsigned upstreams_lanes(const struct replica *r, mono_time now)
{
    unsigned lanes = 0;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        const struct replica_upstream *u = &r->upstreams[i];
        if (u->serving && u->lanes > lanes && upstreams_alive(r, i, now)) {
            lanes = u->lanes;
        }
    }
    return lanes;
}

unsigned upstreams_serving(const struct replica *r, unsigned lane, mono_time now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        count += serves(r, i, UINT64_C(1) << lane, now);
    }
    return count;
}

bool upstreams_choose(const struct replica *r, uint64_t lanes, mono_time now, unsigned *chosen)
{
    const unsigned first = r->sync.upstream + (r->sync.failures != 0);
    for (unsigned i = 0; i < r->upstream_count; i++) {
        const unsigned candidate = (first + i) % r->upstream_count;
        if (serves(r, candidate, lanes, now)) {
            *chosen = candidate;
            return true;
        }
    }
    return false;
}

void upstreams_note_ping(struct replica *r, unsigned upstream, uint32_t tag)
{
    struct replica_upstream *u = &r->upstreams[upstream];
    u->ping_tags[u->next_ping] = tag;
    u->next_ping = (u->next_ping + 1) % REPLICA_PINGS_KEPT;
}

bool upstreams_is_ping(const struct replica *r, unsigned upstream, uint32_t tag)
{
    for (size_t i = 0; i < REPLICA_PINGS_KEPT; i++) {
        if (tag != 0 && r->upstreams[upstream].ping_tags[i] == tag) {
            return true;
        }
    }
    return false;
}
