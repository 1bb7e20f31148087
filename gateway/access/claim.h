/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token says that its bearer may see, in the claim `tilewire`:
 *
 *   {"tiles":["tickets.*"],"events":["ticket.*"],"fields":["summary","payload.region"]}
 *
 * A list that is missing shows everything, and an empty one nothing. Pure.
 */
#ifndef GATEWAY_ACCESS_CLAIM_H
#define GATEWAY_ACCESS_CLAIM_H

#include "common/base/error.h"
#include "common/codec/json.h"
#include "gateway/base/view.h"

/* Makes the view of a claim; NULL, for a token without the claim, is refused, as is a member that
 * is not known: a misspelt one would show everything. STATUS_INVALID or STATUS_FULL: err says what
 * is wrong with it. The caller releases *out. */
int claim_parse(const struct json_value *claim, const struct view **out, struct error *err);

#endif
