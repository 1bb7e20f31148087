/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/upstreams.h"

bool upstreams_alive(const struct replica *r, unsigned upstream, mono_time now)
{
    const struct replica_upstream *u = &r->upstreams[upstream];
    const mono_time at = u->answered_at.us > u->arriving_at.us ? u->answered_at : u->arriving_at;
    return u->answered && !replica_time_passed(at, REPLICA_DEAD_MS, now);
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

void upstreams_note_ping(struct replica *r, unsigned upstream, uint32_t tag, mono_time now)
{
    struct replica_upstream *u = &r->upstreams[upstream];
    u->pings[u->next_ping] = (struct replica_ping){tag, now};
    u->next_ping = (u->next_ping + 1) % REPLICA_PINGS_KEPT;
}

const struct replica_ping *upstreams_find_ping(const struct replica *r, unsigned upstream,
                                               uint32_t tag)
{
    for (size_t i = 0; i < REPLICA_PINGS_KEPT; i++) {
        const struct replica_ping *ping = &r->upstreams[upstream].pings[i];
        if (tag != 0 && ping->tag == tag) {
            return ping;
        }
    }
    return NULL;
}
