/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: the file is read again. */
#ifndef INGESTOR_INGESTOR_RELOAD_H
#define INGESTOR_INGESTOR_RELOAD_H

#include "ingestor/ingestor_state.h"

/* Goes on with the definitions of tiles as they are in the file now; or starts again, when more
 * than they has changed; or with those that there are, when the file is no good. Returns 0; or -1,
 * which ends the loop. */
int ingestor_reload(struct ingestor *ingestor);

/* Frees the configurations that the fold had. Called when there is no fold any more. */
void ingestor_reload_finish(struct ingestor *ingestor);

#endif
