/* SPDX-License-Identifier: Apache-2.0 */
/* The members of one tile definition: a single one, or with group_by one for each group seen, at
 * most max_groups. The fold owns them; what these functions return is borrowed until the member is
 * freed. */
#ifndef INGESTOR_FOLD_FAMILY_H
#define INGESTOR_FOLD_FAMILY_H

#include "ingestor/fold/fold_state.h"

/* The member of that group; NULL when there is none. */
struct member *family_find(const struct family *family, struct str group);

/* The member of a family with group_by that the row belongs to, made when its group is new. NULL
 * when the row has no group, or when its group is refused: that is counted, and logged once for a
 * family. */
struct member *family_member_for(struct fold *fold, struct family *family, struct row *row,
                                 struct moment now);

/* Makes the tiles such as have no rows and no records, and have to be built from all rows that
 * there are. */
void family_begin_anew(struct fold *fold, struct family *family);

/* Frees all members. */
void family_finish(struct fold *fold, struct family *family);

/* True when rows of one of these entries of `sources` count in the tiles: bit i is the i-th. With
 * the one `source` that is the first. */
static inline bool family_counts(const struct family *family, uint64_t sources)
{
    const struct config_source *only = family->config->source;
    return only != NULL ? (sources >> only->number & 1) != 0 : sources != 0;
}

/* What all members show has changed. */
void family_mark_dirty(struct fold *fold, struct family *family, mono_time now);

/* Calls each for all members of all families, in the order of the configuration. */
void family_each_member(const struct fold *fold, void (*each)(void *arg, struct member *member),
                        void *arg);

#endif
