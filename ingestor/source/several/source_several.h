/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGESTOR_SOURCE_SEVERAL_SOURCE_SEVERAL_H
#define INGESTOR_SOURCE_SEVERAL_SOURCE_SEVERAL_H

#include "ingestor/source/source.h"

/* All entries of `sources` as one source. */
extern const struct source_ops source_several;

#endif
