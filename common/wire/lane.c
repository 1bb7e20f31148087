/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/lane.h"

#include "common/base/fnv.h"

unsigned lane_of_key(struct str key, unsigned lanes)
{
    const char *slash = key.len != 0 ? memchr(key.p, '/', key.len) : NULL;
    const struct str family = {key.p, slash != NULL ? (size_t)(slash - key.p) : key.len};
    return (unsigned)(fnv1a(FNV_BEGIN, family) % lanes);
}
