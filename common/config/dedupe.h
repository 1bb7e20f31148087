/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMON_CONFIG_DEDUPE_H
#define COMMON_CONFIG_DEDUPE_H

#include "common/base/buf.h"
#include "common/config/config.h"

/* Appends what decides which events are duplicates, and so what every tile depends on: the field,
 * where it is read from, and the window. Nothing when `source.dedupe` is not there. */
void config_put_dedupe(const struct config_source *source, struct buf *out);

#endif
