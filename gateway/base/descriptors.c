/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/descriptors.h"

#include <sys/resource.h>

#define LIMIT_MAX (1U << 20) /* No more is reckoned with: "unlimited" is a very large number. */

struct descriptors descriptors_share(size_t limit, size_t streams_wanted)
{
    limit = limit < DESCRIPTORS_MIN ? DESCRIPTORS_MIN : limit > LIMIT_MAX ? LIMIT_MAX : limit;
    const size_t usable = limit - DESCRIPTORS_SPARE;
    const size_t most = usable - usable / 4;
    const size_t streams = streams_wanted < most ? streams_wanted : most;
    return (struct descriptors){streams, usable - streams};
}

size_t descriptors_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return DESCRIPTORS_MIN;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < LIMIT_MAX ? (size_t)limit.rlim_cur : LIMIT_MAX;
}
