/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types that the events of a log have, each with a number for as long as some event has it: so
 * whoever looks through the log asks once for each type, and not once for each event.
 *
 *   place   0  order.created   12 events
 *           1  (free)                        the next new type gets it, with the next `use`
 *           2  order.paid       3 events
 *
 * Pure. One thread.
 */
#ifndef COMMON_STORE_EVENT_TYPES_H
#define COMMON_STORE_EVENT_TYPES_H

#include <stddef.h>

#include "common/base/match/matcher.h"
#include "common/base/str.h"

struct event_types;

struct event_types *event_types_create(void);
void event_types_destroy(struct event_types **types);

/* One more event has the type, which is copied if it is new. */
struct name_number event_types_take(struct event_types *types, struct str type);

/* One event less has the type of that number. */
void event_types_give_back(struct event_types *types, struct name_number number);

/* How many types there are, and the memory that they take. */
size_t event_types_count(const struct event_types *types);
size_t event_types_bytes(const struct event_types *types);

#endif
