/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/metrics.h"

#include "common/codec/mp.h"

size_t metrics_put(struct buf *out, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mp_put_text(out, metrics[i].name);
        mp_put_uint(out, metrics[i].value);
    }
    return count;
}

size_t metrics_put_signed(struct buf *out, const char *name, int64_t value)
{
    mp_put_text(out, name);
    mp_put_int(out, value);
    return 1;
}
