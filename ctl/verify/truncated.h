/* SPDX-License-Identifier: Apache-2.0 */
/* A tile that is too large is published without the largest members of its `data`, which its member
 * `truncated` names (docs/tiles.md). */
#ifndef CTL_VERIFY_TRUNCATED_H
#define CTL_VERIFY_TRUNCATED_H

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* Appends what is expected of a tile that is served without the members that `names`, an array of
 * texts, names: the expected value without these, and with `truncated`. */
void truncated_expect(struct buf *out, const mp_value *expected, const mp_value *names);

#endif
