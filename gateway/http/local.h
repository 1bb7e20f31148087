/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening on a socket in the file system (AF_UNIX), which one process has at a time. What a
 * process has left behind that was killed is replaced; what somebody listens on is not, and neither
 * is what is no socket. A link is not followed.
 */
#ifndef GATEWAY_HTTP_LOCAL_H
#define GATEWAY_HTTP_LOCAL_H

#include <sys/types.h>

#include "common/base/error.h"

/* A socket that was made, so that just that one is removed. Zeroed memory is none. */
struct local_socket {
    const char *path; /* borrowed */
    dev_t device;     /* With the inode it names the file that was made. */
    ino_t inode;      /* Of that file. */
};

/* Makes the socket with that mode; connections are made from now on, and wait. Returns a
 * descriptor, which the caller closes; -1 and err, which says what to do, when it cannot. */
int local_listen(const char *path, mode_t mode, struct local_socket *out, struct error *err);

/* Removes the socket, unless there is another one by now. Does nothing for none. */
void local_remove(struct local_socket *local);

#endif
