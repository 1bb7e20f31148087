/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/source.h"

uint64_t source_new_origin(uint64_t before)
{
    const uint64_t now_ms = (uint64_t)(clock_wall().us / US_PER_MS);
    return now_ms > before ? now_ms : before + 1;
}
