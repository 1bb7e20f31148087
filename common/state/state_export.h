/* SPDX-License-Identifier: Apache-2.0 */
/* Exports: a whole state in one SQLite file, in the form of state_sqlite.h, which belongs to no
 * ingestor. Nothing lies beside it. */
#ifndef COMMON_STATE_STATE_EXPORT_H
#define COMMON_STATE_STATE_EXPORT_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/state/changes.h"

/* Writes the records and the journal (as state_store_ops.journal gives it) to the file of that
 * path, for its owner alone to read. The path names a whole export, or what it named before.
 * replace: an export that is there may be replaced. STATUS_DENIED: something is there that may not
 * be; err says what. STATUS_IO. */
int state_export_write(const char *path, bool replace, const struct state_changes *records,
                       const struct state_changes *journal, struct error *err);

/* Adds what is in the file to the two lists, which are empty. STATUS_NOT_FOUND: there is no such
 * file; STATUS_INVALID: it is no export, or is damaged, if only in part; STATUS_NEWER: a newer
 * version wrote it; STATUS_IO. */
int state_export_read(const char *path, struct state_changes *records,
                      struct state_changes *journal, struct error *err);

#endif
