/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token says that its bearer may see, in the claim `tilewire`:
 *
 *   {"tiles":["tickets.*"],"events":["ticket.*"],"fields":["summary","payload.region"],
 *    "push":["deploy"]}
 *
 * A list that is missing shows everything, and an empty one nothing. But without `push` nothing may
 * be pushed. Pure.
 */
#ifndef GATEWAY_ACCESS_CLAIM_H
#define GATEWAY_ACCESS_CLAIM_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/codec/json.h"
#include "gateway/base/view.h"

/* Makes the view of a claim; NULL, for a token without the claim, is refused, as is a member that
 * is not known: a misspelt one would show everything. STATUS_INVALID or STATUS_FULL: err says what
 * is wrong with it. The caller releases *out. */
int claim_parse(const struct json_value *claim, const struct view **out, struct error *err);

/* Appends the patterns of types that the bearer may push, joined by commas; of a claim that
 * claim_parse has read. Fails in the same way. */
int claim_pushes(const struct json_value *claim, struct buf *out, struct error *err);

#endif
