/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/few_lines.h"

#include "common/base/fnv.h"

bool few_lines_allow(struct few_lines *lines, struct str subject, mono_time now, uint64_t *left_out)
{
    const uint64_t hash = fnv1a(FNV_BEGIN, subject);
    if (!lines->begun || now.us >= mono_add_ms(lines->since, FEW_LINES_MS).us) {
        lines->begun = true;
        lines->since = now;
        lines->count = 0;
    }
    bool allowed = lines->count < FEW_LINES_MAX;
    for (unsigned i = 0; i < lines->count; i++) {
        allowed = allowed && lines->subjects[i] != hash;
    }
    if (!allowed) {
        lines->left_out++;
        return false;
    }
    lines->subjects[lines->count++] = hash;
    *left_out = lines->left_out;
    lines->left_out = 0;
    return true;
}
