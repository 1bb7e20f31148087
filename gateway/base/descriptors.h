/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors are what a gateway runs out of first. The process's limit is raised as far as it
 * may be, and shared out, so that neither streams nor plain connections can starve the other, and
 * some are left for the rest (ZeroMQ, epoll, channels being made).
 */
#ifndef GATEWAY_BASE_DESCRIPTORS_H
#define GATEWAY_BASE_DESCRIPTORS_H

#include <stddef.h>

#define DESCRIPTORS_SPARE 64 /* Left for all else. */
#define DESCRIPTORS_MIN 256  /* With fewer a gateway does not start. */

struct descriptors {
    size_t streams;     /* So many streams may be open at once; at most what was wanted. */
    size_t connections; /* So many connections that are no streams may be open at once. */
};

/* Shares out `limit` descriptors, less the spare ones. A quarter, at least, is for connections. */
struct descriptors descriptors_share(size_t limit, size_t streams_wanted);

/* Raises the process's soft limit to its hard one, and returns it; DESCRIPTORS_MIN when it cannot
 * be asked for. */
size_t descriptors_raise_limit(void);

#endif
