/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is for the tiles, and what is to be done when the clock was wrong. */
#ifndef INGESTOR_INGESTOR_CLOCK_H
#define INGESTOR_INGESTOR_CLOCK_H

#include "ingestor/ingestor_state.h"

/* The wall clock as far as it is believed (clock_steps.h), and the monotonic clock. */
struct moment ingestor_now(struct ingestor *ingestor);

/* What heartbeats say of our clock and those of others. */
struct wire_clocks ingestor_clocks(const struct ingestor *ingestor, mono_time now);

/* True when a state that is true for that moment was saved by a clock that was ahead of
 * ours: then its tiles have forgotten what they should show now. */
bool ingestor_is_ahead(struct ingestor *ingestor, wall_time as_of);

/* Returns -1, which ends the loop, when the tiles are spoilt because the clock was wrong and have
 * to be built again; else 0. */
int ingestor_check_clock(struct ingestor *ingestor);

#endif
