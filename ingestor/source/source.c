/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/source.h"

#include "common/codec/mp.h"

uint64_t source_new_origin(uint64_t before)
{
    const uint64_t now_ms = (uint64_t)(clock_wall().us / US_PER_MS);
    return now_ms > before ? now_ms : before + 1;
}

bool source_state_is_newer(struct str state, int64_t format)
{
    struct mp_doc doc;
    int64_t number;
    mp_doc_init(&doc);
    const bool newer = mp_parse(&doc, state.p, state.len) == STATUS_OK &&
                       mp_as_int(mp_at(&doc.root, 0), &number) && number > format;
    mp_doc_free(&doc);
    return newer;
}
