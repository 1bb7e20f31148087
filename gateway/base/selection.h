/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client asked for, and may see: keys of tiles or types of events.
 *
 *   asked for, normal form   ─► text of an equal text for equal wishes
 *   narrowed to a view       ─► what both match; the text then says the view as well
 *
 * A selection that lies wholly in what its client may see is not different from that of a client
 * who may see everything, so both share what is made of it. Otherwise it keeps the view and both
 * have to match, which is the intersection whatever the patterns are.
 */
#ifndef GATEWAY_BASE_SELECTION_H
#define GATEWAY_BASE_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/match/matcher.h"
#include "common/base/str.h"
#include "gateway/base/lens.h"
#include "gateway/base/view.h"

#define SELECTION_TEXT_MAX 4096
#define SELECTION_PATTERNS_MAX 256

struct selection {
    /* Equal texts match the same names, and show the same fields of them: "a.*,b", or "a.*,b within
     * tickets.*" when it is narrowed; "" selects everything. Owned. */
    char *text;
    struct str *patterns;    /* What was asked for; the array and its bytes are owned. */
    size_t count;            /* The number of patterns; 0: everything was asked for. */
    const struct view *view; /* What it is narrowed to, which it owns; NULL: to nothing. */
    enum view_kind kind;     /* Of the names, where it has a view. */
    struct matcher *matcher; /* Both, compiled, and what it found out so far. Owned. */
};

/* Parses a list joined by commas. NULL, "" and "*" select everything. STATUS_INVALID when the text
 * is longer than SELECTION_TEXT_MAX bytes, has more than SELECTION_PATTERNS_MAX patterns, or has an
 * empty pattern or one with characters that no key has; nothing needs to be freed then. */
int selection_parse(struct selection *out, const char *text);

/* Narrows one that is not narrowed yet to what the view shows, of which it becomes an owner. False:
 * the view shows nothing of it. The selection stays the caller's in either case. */
bool selection_narrow(struct selection *selection, const struct view *view, enum view_kind kind);

/* Makes a copy, which the caller frees. */
void selection_copy(struct selection *out, const struct selection *selection);

/* Selects nothing: its one pattern is empty, and no name is. */
void selection_none(struct selection *out);

/* Frees what the selection owns and leaves it all zero; does nothing to one that is. */
void selection_free(struct selection *selection);

/* True when a pattern matches the whole name, or everything is selected; and the client may see it.
 */
bool selection_matches(const struct selection *selection, struct str name);

/* The same for a name that has a number, such as the type of an event in the log: the patterns are
 * asked about it once. */
bool selection_matches_numbered(const struct selection *selection, struct str name,
                                struct name_number number);

/* The names that it consists of, sorted and each once, if there is no `*` in it: nothing else is
 * selected, though not all of these need be. NULL: there is. Borrowed from the selection. */
const struct str *selection_names(const struct selection *selection, size_t *count);

/* The memory that it takes, in bytes, without what it remembers of numbers, and the view. */
size_t selection_bytes(const struct selection *selection);

/* The work of all that was asked so far, in steps; see common/base/match/patterns.h. */
uint64_t selection_steps(const struct selection *selection);

/* What the ids of its messages end with: the mark of its view. */
const char *selection_mark(const struct selection *selection);

/* Takes the mark off an id that a client comes back with. False: what it got under that id was seen
 * with another view, so what it has cannot be continued. view: what it may see now. */
bool selection_continues(const struct selection *selection, const struct view *view,
                         enum view_kind kind, struct str *id);

/* The fields that may be seen of what bears a name that is selected. Valid as long as the
 * selection. */
struct lens selection_lens(const struct selection *selection, struct str name);

#endif
