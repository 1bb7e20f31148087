/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, and what must be on disk of them. */
#ifndef COMMON_STATE_FILES_H
#define COMMON_STATE_FILES_H

#include "common/base/buf.h"
#include "common/base/error.h"

/* STATUS_IO with what errno says: "cannot DOING PATH: why". */
int files_error(const char *doing, const char *path, struct error *err);

/* Appends all of the file to out. STATUS_NOT_FOUND (err is left alone), STATUS_IO. */
int files_read(const char *path, struct buf *out, struct error *err);

/* Makes a file, which must not be there, for its owner alone, and waits until the bytes are on
 * disk. STATUS_IO. */
int files_write(const char *path, struct str bytes, struct error *err);

/* Waits until the entry of that file in its folder is on disk: of one that was made or renamed.
 * Errors are passed over: not each file system can do it. */
void files_sync_folder(const char *path);

#endif
