/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client of a stream in catch-up has already, so that it is passed over: either all that a
 * cursor speaks for (a client that resumes), or all tiles of a selection up to some change (a
 * client that was live, and then subscribed to more). Few streams have one at a time. NULL stands
 * for a client that has nothing, in each function.
 */
#ifndef GATEWAY_STREAM_KNOWN_H
#define GATEWAY_STREAM_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/store/store.h"
#include "common/wire/cursor.h"
#include "gateway/base/selection.h"

struct known;

/* The client has all versions that are not newer than the cursor, of which a copy is taken.
 * forgotten: the last removal that the store has forgotten; the client has heard of those up to it.
 */
struct known *known_by_cursor(const struct cursor *cursor, uint64_t forgotten);

/* The client has the tiles of that selection, which is copied, as they were up to that change. */
struct known *known_by_selection(const struct selection *selection, uint64_t until);

void known_free(struct known **known);

/* True when it was made by known_by_cursor. */
bool known_is_cursor(const struct known *known);

/* True when it was made by known_by_selection. */
bool known_is_selection(const struct known *known);

/* True when the client has the tile as it is now. False when in doubt: a cursor does not tell
 * whether the client knows of what time alone did to the tile. */
bool known_has(const struct known *known, const struct tile *tile);

/* True when the client surely had the tile at some time, so that it must hear of its removal. */
bool known_had(const struct known *known, const struct tile *tile);

/* The work of all that was asked of it so far, in steps; see common/base/match/patterns.h. */
uint64_t known_steps(const struct known *known);

/* True when removals that the client has not heard of may be among those that the store forgot.
 * watermark: how far the catch-up has come; forgotten: the last removal that was forgotten. */
bool known_outdated(const struct known *known, uint64_t watermark, uint64_t forgotten);

#endif
