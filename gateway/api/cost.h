/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request costs, beside the one that it is: events and tiles that are looked at, patterns
 * that are asked, bytes that are answered. It is counted in steps (common/base/match/patterns.h)
 * while the request is answered, and charged to its client afterwards (clients.h).
 *
 *   cost_admit ─► handler: request->steps += … ─► cost_settle
 *
 * A client that is in debt is told 429. What one request may cost has a bound of its own for what
 * clients choose: finding what patterns select.
 */
#ifndef GATEWAY_API_COST_H
#define GATEWAY_API_COST_H

#include "gateway/base/selection.h"
#include "gateway/http/request.h"

/* The steps that finding what patterns select may take: 5 ms at most. 255 patterns over 10,000
 * events of 100 types take a tenth of that, unless they are made to be slow. */
#define COST_FIND_MAX 250000

/* True when the request's client is not in debt; if it is, *result is what to return. */
bool cost_admit(struct request *request, enum MHD_Result *result);

/* True when what was asked of the selection is more than a request may cost. */
bool cost_too_high(const struct selection *selection);

/* Answers such a request. */
enum MHD_Result cost_refuse(struct request *request);

/* Charges for the answered request. counted: it took a token of its client's requests. */
void cost_settle(struct request *request, bool counted);

#endif
