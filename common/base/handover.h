/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says that an object goes from one thread to another through a ZeroMQ pipe. ThreadSanitizer cannot
 * see that, for libzmq is not built with it and orders its threads by atomics. The thread that
 * gives calls handover_give before it sends, the one that takes calls handover_take after it
 * received; from then on the object, and all that was written before it was given, is the taker's.
 * In other builds both do nothing. NULL is fine.
 */
#ifndef COMMON_BASE_HANDOVER_H
#define COMMON_BASE_HANDOVER_H

#ifdef __SANITIZE_THREAD__

#include <sanitizer/tsan_interface.h>

static inline void handover_give(void *object)
{
    __tsan_release(object);
}

static inline void handover_take(void *object)
{
    __tsan_acquire(object);
}

#else

static inline void handover_give(void *object)
{
    (void)object;
}

static inline void handover_take(void *object)
{
    (void)object;
}

#endif

#endif
