/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers and problems. Each function queues the answer to a request, with the headers that all
 * answers have, and returns what the API returns. While clients are slow to take their answers, a
 * large one becomes 503 instead (`limits.answers`). Headers are pairs of name and value, ended by
 * NULL.
 */
#ifndef GATEWAY_HTTP_REPLY_H
#define GATEWAY_HTTP_REPLY_H

#include <microhttpd.h>

#include "common/base/blob.h"
#include "common/base/str.h"
#include "gateway/http/request.h"

/* Calls `put` for each header of the kind that all answers to such a request have: who may read it
 * from another origin, and on which of the client's headers it depends. Credentials are for origins
 * that the configuration names, and never for `*`. */
void reply_each_common(const struct request *request,
                       void (*put)(void *arg, const char *name, const char *value), void *arg);

/* Cache-Control for such an answer: what depends on its client is `private`. */
#define REPLY_CACHE_SIZE 64
const char *reply_cache_control(const struct request *request, const char *value,
                                char out[REPLY_CACHE_SIZE]);

/* True when the answer is the last one of its connection, and has to say so: what follows cannot be
 * told apart, or is for another gateway, because this one is draining. */
bool reply_is_last(const struct request *request);

/* A response that is used again and again, and has its headers already; it stays the caller's. It
 * is not for an answer that reply_is_last. The Date is kept for a second, where libmicrohttpd would
 * make it anew for each answer. bytes: of its body. */
enum MHD_Result reply_dated(struct request *request, unsigned status, struct MHD_Response *response,
                            size_t bytes);

/* An answer with a body of its own, which is copied. type: the media type, or NULL. headers: may be
 * NULL; Cache-Control among them becomes what reply_cache_control makes of it. */
enum MHD_Result reply_body(struct request *request, unsigned status, const char *type,
                           struct str body, const char *const *headers);

/* The answer to HEAD of what has no end: no length is said, and nothing is chunked. */
enum MHD_Result reply_endless(struct request *request, unsigned status, const char *type,
                              const char *const *headers);

/* Now, as Date has it; good until the next turn. */
const char *reply_date(const struct request *request);

/* The same with a body that is shared: takes a reference of its own. */
enum MHD_Result reply_blob(struct request *request, unsigned status, const char *type,
                           struct blob *body, const char *const *headers);

/* A problem as RFC 9457 has it. detail: a sentence that says what to do. retry_s: the value of
 * Retry-After; 0 for none. A browser's EventSource that may try again gets the problem as the one
 * event of a stream, `refused`, because it would never come back after the status. */
enum MHD_Result reply_problem(struct request *request, unsigned status, const char *detail,
                              unsigned retry_s);

/* The same with more headers: at most REPLY_PROBLEM_HEADERS pairs. */
#define REPLY_PROBLEM_HEADERS 3
enum MHD_Result reply_problem_with(struct request *request, unsigned status, const char *detail,
                                   unsigned retry_s, const char *const *more);

/* The answer to a request whose headers or body are too large. */
enum MHD_Result reply_too_large(struct request *request);

/* Seconds for Retry-After where nobody knows when there will be room: random, so that those who
 * were refused together do not come back together. */
unsigned reply_retry_s(void);

#endif
