/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <string.h>

#include "common/base/error.h"
#include "common/codec/mp.h"
#include "ingestor/dedupe/known.h"

#define PART_ENTRIES 256
#define ENTRY_BYTES (4 * sizeof(uint64_t))

static struct state_id id_of(uint64_t member, uint64_t part)
{
    return (struct state_id){.member = member, .item = part + 1};
}

/* ---- Saving ---- */

static void put_part(const struct known *known, uint64_t member, uint64_t part,
                     struct state_changes *out)
{
    const uint64_t begin = part * PART_ENTRIES;
    const uint64_t from = begin > known->first ? begin : known->first;
    const uint64_t to = begin + PART_ENTRIES < known->end ? begin + PART_ENTRIES : known->end;
    struct buf *value = state_put_begin(out, id_of(member, part));
    mp_put_array(value, 2);
    mp_put_uint(value, from);
    mp_put_bin_header(value, (size_t)(to - from) * ENTRY_BYTES);
    for (uint64_t n = from; n < to; n++) {
        const struct known_entry *e = &known->ring[n % known->ring_cap];
        const uint64_t parts[] = {htole64(e->name.half[0]), htole64(e->name.half[1]),
                                  htole64((uint64_t)e->time_us), htole64((uint64_t)e->reached_us)};
        buf_append(value, parts, sizeof parts);
    }
    state_put_end(out);
}

void known_save(struct known *known, uint64_t member, struct state_changes *out)
{
    const uint64_t keep = known->first / PART_ENTRIES;
    const uint64_t stored = (known->stored_end + PART_ENTRIES - 1) / PART_ENTRIES;
    for (uint64_t part = known->stored_part; part < keep && part < stored; part++) {
        state_gone(out, STATE_ITEM_GONE, id_of(member, part));
    }
    const uint64_t from = known->stored_end > known->first ? known->stored_end : known->first;
    for (uint64_t part = from / PART_ENTRIES; from < known->end && part * PART_ENTRIES < known->end;
         part++) {
        put_part(known, member, part, out);
    }
    known->stored_part = keep;
    known->stored_end = known->end;
}

void known_unsave(struct known *known)
{
    known->stored_part = known->first / PART_ENTRIES;
    known->stored_end = known->first;
}

/* ---- Loading ---- */

/* Adds the entries of a part that come next. */
static bool load_part(struct known *known, const mp_value *part, uint64_t end)
{
    uint64_t number;
    struct str bytes;
    struct known_entry gone;
    if (!mp_as_uint(mp_at(part, 0), &number) || !mp_as_bin(mp_at(part, 1), &bytes) ||
        number > known->end || bytes.len % ENTRY_BYTES != 0) {
        return false;
    }
    for (size_t at = 0; at < bytes.len && known->end < end; at += ENTRY_BYTES, number++) {
        uint64_t p[4];
        memcpy(p, bytes.p + at, sizeof p);
        if (number == known->end) {
            (void)known_add(known,
                            &(struct known_entry){{{le64toh(p[0]), le64toh(p[1])}},
                                                  (int64_t)le64toh(p[2]),
                                                  (int64_t)le64toh(p[3])},
                            &gone);
        }
    }
    return true;
}

bool known_load(struct known *known, uint64_t member, uint64_t first, uint64_t end,
                const struct state_changes *saved)
{
    struct mp_doc doc;
    bool good = first <= end;
    known->first = first;
    known->end = first;
    known->stored_part = first / PART_ENTRIES;
    mp_doc_init(&doc);
    for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0 && good; i++) {
        const struct state_change *change = &saved->list[i];
        const uint64_t part = change->id.item - 1;
        if (change->kind != STATE_PUT || change->id.member != member) {
            continue;
        }
        known->stored_part = part < known->stored_part ? part : known->stored_part;
        if (part >= first / PART_ENTRIES) {
            const struct str value = state_value(saved, change);
            good =
                mp_parse(&doc, value.p, value.len) == STATUS_OK && load_part(known, &doc.root, end);
        }
    }
    mp_doc_free(&doc);
    known->stored_end = known->end;
    return good && known->end == end;
}
