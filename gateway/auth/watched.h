/* SPDX-License-Identifier: Apache-2.0 */
/* A small file that is read again when it has changed: keys, or a secret. It is looked at every
 * second, for it may lie where nothing tells of changes (a network's file system, a mounted secret
 * whose folder is replaced). */
#ifndef GATEWAY_AUTH_WATCHED_H
#define GATEWAY_AUTH_WATCHED_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/error.h"

struct watched {
    const char *path;  /* borrowed */
    struct stat state; /* of the file that was read last; all zero: there was none */
};

/* True when the file is another one, or has another content, than the one that was read last. */
bool watched_changed(const struct watched *watched);

/* Appends the file's content, at most max bytes, which STATUS_FULL says it exceeds. STATUS_DENIED:
 * everybody may write to it, or replace it, so its content proves nothing. STATUS_IO: it cannot be
 * read. In any case it counts as read, so that it is not read again before it changes. */
int watched_read(struct watched *watched, size_t max, struct buf *out, struct error *err);

#endif
