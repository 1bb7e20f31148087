/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other definitions, while the fold goes on:
 *
 *   the same digest    ──► the tile goes on, under its new title and policy
 *   new, or changed    ──► to be built beside the others (fold_build.h)
 *   not there any more ──► retired (fold_save.h)
 */
#ifndef INGESTOR_FOLD_FOLD_RELOAD_H
#define INGESTOR_FOLD_FOLD_RELOAD_H

#include "ingestor/fold/fold.h"

/* What became of the definitions. */
struct fold_reloaded {
    size_t going_on; /* tiles that were here and go on */
    size_t to_build; /* tiles that are built from the rows that remain */
    size_t retired;  /* tiles that are configured no more */
};

/* True when one of config's tiles is retired, so that its state is in the store alone: then the
 * state has to be loaded anew (fold_load). */
bool fold_has_retired(const struct fold *fold, const struct config *config);

/* Takes the fold over to another configuration, whose source and lanes are the same. Tiles that go
 * on may still hold what the configuration before owns, so both must outlive the fold. place: where
 * the source stands. Tiles that are gone are handed out as removed. */
struct fold_reloaded fold_reload(struct fold **fold, const struct config *config, struct str place,
                                 struct moment now,
                                 void (*publish)(void *arg, const struct fold_output *output),
                                 void *arg);

#endif
