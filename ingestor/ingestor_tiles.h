/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiles are configured, after a SIGHUP also. */
#ifndef INGESTOR_INGESTOR_TILES_H
#define INGESTOR_INGESTOR_TILES_H

struct config;
struct ingestor;

/* The configuration whose tiles are folded: the last one that SIGHUP brought, or the first. */
const struct config *ingestor_tiles(const struct ingestor *ingestor);

#endif
