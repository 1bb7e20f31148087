/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's own reading of who may see what, from docs/security.md and without any code of the
 * gateway: what the bearer of a token sees of the tiles. The token is not checked here; the gateway
 * does that. Pure.
 */
#ifndef CTL_ORACLE_VIEW_H
#define CTL_ORACLE_VIEW_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "common/codec/mp.h"
#include "common/config/config.h"

struct oracle_view;

/* token: a JSON Web Token, whose claim `tilewire` or whose groups count; STR_NULL: there is none,
 * and everything is seen. STATUS_INVALID when it cannot be read. config is borrowed. The caller
 * destroys *out, which is NULL when it failed. */
int oracle_view_create(const struct config *config, struct str token, struct oracle_view **out,
                       struct error *err);
void oracle_view_destroy(struct oracle_view **view);

/* True when the tile of that key is seen. */
bool oracle_view_shows(const struct oracle_view *view, const char *key);

/* Appends what is seen of a tile, a map that has `data` and maybe `truncated`, beside what is
 * always seen. */
void oracle_view_tile(const struct oracle_view *view, const char *key, const mp_value *tile,
                      struct buf *out);

#endif
