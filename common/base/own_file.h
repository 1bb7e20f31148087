/* SPDX-License-Identifier: Apache-2.0 */
/* Files and sockets with names that others can guess: nobody else may put anything in their place,
 * and what is there has to be ours. */
#ifndef COMMON_BASE_OWN_FILE_H
#define COMMON_BASE_OWN_FILE_H

#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/str.h"

/* STATUS_OK when only its owner, its group and root can replace files in the folder of that path;
 * or when the folder cannot be looked at, so that whoever uses it says why. Else STATUS_DENIED, and
 * err says what to do. */
int own_folder_check(const char *path, struct error *err);

/* Opens a regular file of our own, or root's, for reading, and stores its descriptor. A link is not
 * followed. STATUS_NOT_FOUND: there is none. STATUS_DENIED: it is another user's, or no file. Else
 * STATUS_IO. */
int own_file_read(const char *path, int *fd, struct error *err);

/* Makes a file with that content, which is on disk then. STATUS_DENIED: there is something of that
 * name, which is left as it is, or everybody can replace files in the folder. Else STATUS_IO, and
 * there is no file. */
int own_file_create(const char *path, mode_t mode, struct str content, struct error *err);

#endif
