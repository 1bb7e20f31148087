/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGESTOR_SOURCE_ONE_SOURCE_H
#define INGESTOR_SOURCE_ONE_SOURCE_H

#include "ingestor/source/source.h"

/* What reads config->source, however many others there are; NULL: nothing does. */
const struct source_ops *one_source_find(const struct config *config);

#endif
