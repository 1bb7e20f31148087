/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway shows over HTTP, against what its client may see (oracle/view.h). The tiles are
 * those of a snapshot, which the oracle judges; so what is shown is right when it is the same.
 *
 *                         shown                            not shown
 *   may be seen           as it is served, or wrong        wrong
 *   may not be seen       wrong                            unseen: nothing is said of it
 */
#ifndef CTL_VERIFY_SHOWN_H
#define CTL_VERIFY_SHOWN_H

#include "ctl/oracle/view.h"
#include "ctl/peer/served.h"
#include "ctl/peer/web.h"
#include "ctl/verify/verdict.h"

/* What was shown at one moment. */
struct shown;

/* view is borrowed. */
struct shown *shown_create(const struct oracle_view *view);
void shown_destroy(struct shown **shown);

/* Asks for all tiles; what was shown before is forgotten. Fails as web_get does. */
int shown_fetch(struct shown *shown, struct web *web, struct error *err);

/* True when the client may see the tile. */
bool shown_may_be(const struct shown *shown, const char *key);

/* True when the tile is shown. */
bool shown_is(const struct shown *shown, const char *key);

/* What is wrong with how a tile is shown that is served, and may be seen; VERDICT_EQUAL: nothing.
 * Then expected and got are filled with the tile as it should be, and as it is; both are maps. */
enum verdict shown_judge(struct shown *shown, const struct served_tile *tile, struct buf *expected,
                         struct buf *got);

/* Calls each with every tile that is shown, and gets it as a map. */
void shown_each(struct shown *shown, void (*each)(void *arg, const char *key, struct str tile),
                void *arg);

#endif
