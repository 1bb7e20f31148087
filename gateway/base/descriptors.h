/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors are what a gateway runs out of first. The process's limit is raised as far as it
 * may be, and shared out, so that neither streams nor plain connections can starve the other, and
 * some are left for the rest (ZeroMQ, epoll, channels being made).
 */
#ifndef GATEWAY_BASE_DESCRIPTORS_H
#define GATEWAY_BASE_DESCRIPTORS_H

#include <stddef.h>

#define DESCRIPTORS_SPARE 64
#define DESCRIPTORS_MIN 256 /* with fewer a gateway does not start */

struct descriptors {
    size_t streams;     /* open at once; at most what was wanted */
    size_t connections; /* that are no streams, at once */
};

/* A quarter, at least, is for connections; limit: of all descriptors. */
struct descriptors descriptors_share(size_t limit, size_t streams_wanted);

/* Raises the soft limit to the hard one; returns it. */
size_t descriptors_raise_limit(void);

#endif
