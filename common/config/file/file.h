/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file of the configuration into memory. Private to common/config. */
#ifndef COMMON_CONFIG_FILE_FILE_H
#define COMMON_CONFIG_FILE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/error.h"

/* The end of a very long name says more than its start, and leaves room for the message. */
const char *config_short_name(const char *name);

/* The status of errno after a file could not be read, with a message. */
int config_cannot_read(const char *path, struct error *err);

/* Appends the file to out, but no more than max bytes and some, by which it is told that it is too
 * large. It is STATUS_DENIED if one of the bits of `forbidden` is set in its mode, and what says
 * why: "everybody can write to it"; *out is left alone then. Else STATUS_IO, STATUS_NOT_FOUND or
 * STATUS_DENIED. */
int config_file_read(const char *path, size_t max, mode_t forbidden, const char *what,
                     struct buf *out, struct error *err);

#endif
