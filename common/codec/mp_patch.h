/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The delta algebra: what a value was, what it is now, and the patch between the two.
 *
 *       from ──── mp_diff(from, to) = patch ────► to
 *                 mp_merge(from, patch) = to
 *
 * Patches are RFC 7396 (JSON Merge Patch) on MessagePack: a map in a patch merges member by member,
 * nil removes the member, and anything else replaces it.
 *
 *       from    {a: 1, b: {x: 1, y: 2}, c: [1, 2]}
 *       to      {a: 1, b: {x: 1, y: 3}, d: true}
 *       patch   {      b: {      y: 3}, d: true, c: nil}     a and b.x are as before
 *
 * As in the RFC, a value cannot hold a member that is nil, so values are written without it, and an
 * array is only ever replaced whole. A patch says what a member is, not by how much it changed, so
 * that applying it twice does no harm.
 *
 * https://www.rfc-editor.org/rfc/rfc7396
 *
 * Pure. Values are borrowed for the call, and what is appended to `out` is a copy.
 */
#ifndef COMMON_CODEC_MP_PATCH_H
#define COMMON_CODEC_MP_PATCH_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

/*
 * Appends the patch that turns `from` into `to`, and returns true. Appends nothing and returns
 * false when they are equal. `from` may be NULL, and then the patch is `to`. Neither may hold a
 * member that is nil. Takes linear time when both maps list their common members in the same order,
 * and quadratic time at worst.
 */
bool mp_diff(struct buf *out, const mp_value *from, const mp_value *to);

/* Appends the result of applying the patch to `target`, or to nothing where target is NULL. The
 * result of a nil patch is nil. */
void mp_merge(struct buf *out, const mp_value *target, const mp_value *patch);

/*
 * True when both are equal but for the order of members and the encoding of numbers. Two integers
 * are equal when they are the same, and other numbers when they differ by at most `tolerance` times
 * the greater of their magnitudes; tolerance >= 0, and 0 asks for exact equality.
 */
bool mp_equal(const mp_value *a, const mp_value *b, double tolerance);

#endif
