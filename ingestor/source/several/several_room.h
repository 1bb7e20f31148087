/* SPDX-License-Identifier: Apache-2.0 */
/* Which sources the state knows when there are more than it has room for. Pure. */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_ROOM_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_ROOM_H

#include <stddef.h>

#include "common/config/config.h"
#include "ingestor/source/several/several_state.h"

/* Makes room for all sources that are configured: of the others those that went first are
 * forgotten. Sources get other indices by it. Returns how many were forgotten. */
size_t several_make_room(struct several_state *state, const struct config *config);

#endif
