/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names somebody wants: those that match in each of a few lists of patterns, such as what a
 * client asks for and what it may see.
 *
 *   name ──► number known? ──yes──► verdict of before        a bit
 *              │ no
 *              └──► each list: patterns_match ──► verdict, remembered for the number
 *
 * Events are many and their types are few: who keeps names gives each a number, and the patterns
 * are asked once for each name and not once for each event. The work is counted in steps, see
 * patterns.h. Pure. One thread.
 */
#ifndef COMMON_BASE_MATCH_MATCHER_H
#define COMMON_BASE_MATCH_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"

/* So many names are remembered, with 4 bytes each, if there are as many. The patterns are asked
 * again about others. */
#define MATCHER_NAMES_MAX 16384

/* What stands for a name. Places are small, and given away again when nothing has the name any
 * more; `use` tells the names apart that had the place. numbering.h gives them out. */
struct name_number {
    uint32_t place; /* Its index in tables by number; it is used again later. */
    uint32_t use;   /* Which of those that had the place it is. */
};

/* Borrowed. A list that is not there (NULL) leaves nothing out; one that is there and empty matches
 * nothing. */
struct matcher_list {
    const struct str *patterns; /* The patterns; borrowed. */
    size_t count;               /* How many there are. */
};

struct matcher;

/* The patterns' texts are borrowed for as long as the result lives, which the caller destroys. */
struct matcher *matcher_create(const struct matcher_list *lists, size_t count);
void matcher_destroy(struct matcher **matcher);

/* True when the name is wanted. */
bool matcher_wants(struct matcher *matcher, struct str name);

/* The same for a name that has a number. */
bool matcher_wants_numbered(struct matcher *matcher, struct str name, struct name_number number);

/* True when all names are wanted. */
bool matcher_wants_all(const struct matcher *matcher);

/* The names that one of the lists consists of, sorted and each once: no others are wanted, though
 * not all of these need be. NULL: there is no such list. Borrowed from the matcher. */
const struct str *matcher_names(const struct matcher *matcher, size_t *count);

/* The memory that it takes, in bytes, without what it remembers of numbers. */
size_t matcher_bytes(const struct matcher *matcher);

/* The steps since it was made. */
uint64_t matcher_steps(const struct matcher *matcher);

#endif
