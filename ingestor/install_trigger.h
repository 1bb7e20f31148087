/* The trigger that wakes the ingestor when rows are inserted: statement-level, with an empty
 * payload, so that it costs one NOTIFY a statement. */
#ifndef INGESTOR_INSTALL_TRIGGER_H
#define INGESTOR_INSTALL_TRIGGER_H

#include "common/config.h"
#include "common/error.h"

/* Both may be called any number of times. STATUS_INVALID when the source is not PostgreSQL. */
int trigger_install(const struct config *config, struct error *err);
int trigger_remove(const struct config *config, struct error *err);

#endif
