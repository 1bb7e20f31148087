/* SPDX-License-Identifier: Apache-2.0 */
/* The trigger that wakes the ingestor when rows are inserted: statement-level, with an empty
 * payload, so that it costs one NOTIFY a statement. */
#ifndef CTL_COMMANDS_TRIGGER_H
#define CTL_COMMANDS_TRIGGER_H

#include "common/base/error.h"
#include "common/config/config.h"

/* Both may be called any number of times. STATUS_INVALID when the source is not PostgreSQL. */
int trigger_install(const struct config *config, struct error *err);
int trigger_remove(const struct config *config, struct error *err);

#endif
