/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles that are new, or were away, are built beside those that go on (fold_build.h). */
#ifndef INGESTOR_INGESTOR_BUILD_H
#define INGESTOR_INGESTOR_BUILD_H

#include "ingestor/ingestor_state.h"

/* Begins the next build, when there is one to do and none is under way. Called when live. */
void ingestor_build_next(struct ingestor *ingestor);

/* Ends the build that is under way, for its tiles are no more. */
void ingestor_build_stop(struct ingestor *ingestor);

#endif
