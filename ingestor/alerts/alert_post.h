/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way by HTTP or SMTP: the only room that knows how libcurl is asked. Redirects
 * are not followed, since a message is for the address that the file has; proxies are those of the
 * environment. Used by the sender's thread alone.
 */
#ifndef INGESTOR_ALERTS_ALERT_POST_H
#define INGESTOR_ALERTS_ALERT_POST_H

#include <curl/curl.h>

#include "ingestor/alerts/alert_job.h"

struct alert_post;

/* Makes it up. The job is borrowed, and outlives it; err says why it cannot be made: a secret
 * cannot be read, or is none. */
int alert_post_create(struct alert_job *job, struct alert_post **out, struct error *err);
void alert_post_destroy(struct alert_post **post);

/* What libcurl is to work on; its CURLOPT_PRIVATE is the post. */
CURL *alert_post_handle(const struct alert_post *post);

/* The job that it carries. */
struct alert_job *alert_post_job(const struct alert_post *post);

/* Notes in the job what came of it. */
void alert_post_finish(struct alert_post *post, CURLcode result);

#endif
