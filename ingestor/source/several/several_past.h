/* SPDX-License-Identifier: Apache-2.0 */
/* source_ops.open_past of several sources: the past of one after the other. Private to the folder.
 */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_PAST_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_PAST_H

#include "ingestor/source/source.h"

int several_past_open(const struct config *config, struct str from, struct str to, struct str done,
                      struct source **out, struct error *err);

#endif
