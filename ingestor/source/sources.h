/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of sources, by the configuration's enum source_kind. Nothing else in the ingestor asks
 * for the kind: what differs between two kinds, a source's own table says (source.h).
 */
#ifndef INGESTOR_SOURCE_SOURCES_H
#define INGESTOR_SOURCE_SOURCES_H

#include "common/config/config.h"
#include "ingestor/source/source.h"

/* The source of config's kind. NULL when config has no source, or the kind is none of the list. */
const struct source_ops *sources_find(const struct config *config);

/* Where config's checkpoint and lease live: in files, or in a database of their own, if
 * `ingestor.checkpoint` says so, else where
 * the source's own table says. NULL: nowhere, for there is no source. */
const struct source_stores *sources_stores(const struct config *config);

#endif
