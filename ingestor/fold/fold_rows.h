/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way into tiles, for the parts of the fold. */
#ifndef INGESTOR_FOLD_FOLD_ROWS_H
#define INGESTOR_FOLD_FOLD_ROWS_H

#include "ingestor/fold/fold_state.h"

enum fold_row_kind {
    FOLD_ROW_NEW,     /* for all tiles but those whose turn has not come (fold_build.h) */
    FOLD_ROW_PAST,    /* for those alone that are being built */
    FOLD_ROW_LACKING, /* a column, so that those that are built of all rows read it themselves */
    FOLD_ROW_PUT_OFF, /* for those alone that are not built: the others read it themselves */
};

/* Folds a row whose time has come. */
void fold_row(struct fold *fold, const struct event *event, enum fold_row_kind kind,
              struct moment now);

/* Keeps a row from the future, or puts it off, unless no tile asks for its type. */
void fold_wait_for(struct fold *fold, const struct event *event, struct moment now);

/* Sees to it that no more rows wait than may. */
void fold_waiting_trim(struct fold *fold, struct moment now);

/* Rows up to that moment do not wait any more. */
static inline void fold_reach(struct fold *fold, wall_time now)
{
    fold->reached = now.us > fold->reached.us ? now : fold->reached;
}

/* Folds the rows that waited and whose time has come. They are news since then, unless they waited
 * when the fold was saved. */
void fold_due(struct fold *fold, struct moment now);

#endif
