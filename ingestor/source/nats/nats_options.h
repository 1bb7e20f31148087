/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as options of libnats: which servers, who we are, and TLS. */
#ifndef INGESTOR_SOURCE_NATS_NATS_OPTIONS_H
#define INGESTOR_SOURCE_NATS_NATS_OPTIONS_H

#include <nats/nats.h>

#include "common/base/error.h"
#include "common/config/config.h"

/* Fills in options that the caller made and destroys. Secrets are read from their files now.
 * STATUS_INVALID, STATUS_DENIED, STATUS_NOT_FOUND, STATUS_IO: one of them cannot be used, and err
 * names it. */
int nats_options_set(natsOptions *options, const struct config_source *source, struct error *err);

#endif
