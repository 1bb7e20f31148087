/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was given what: a line in the log for each answer of data, stream that begins, and refusal.
 *
 *   info gateway: audit who="ada" issuer="https://login.example.org" from="192.0.2.7"
 *       request="GET /api/tiles" select="orders.*" sees="tiles orders.*" verdict="200"
 *
 * An answer that brings nothing new (304) gets none: whoever polls has a line when there was
 * something to see. Lines are bounded: refusals and all else have a rate each, so that neither
 * hides the other, and what is left out is counted. One thread.
 */
#ifndef GATEWAY_API_AUDIT_H
#define GATEWAY_API_AUDIT_H

#include <stdint.h>

#include "common/base/time/clock.h"
#include "common/config/auth.h"
#include "gateway/http/request.h"

#define AUDIT_PER_SECOND 10 /* lines of each kind in the long run */
#define AUDIT_BURST 100     /* lines of each kind at once */

struct audit_bucket {
    double tokens;       /* Lines that may be written now. */
    mono_time filled_at; /* When that was worked out. */
};

struct audit {
    enum config_audit what;      /* never CONFIG_AUDIT_AUTO */
    struct audit_bucket given;   /* For what was given. */
    struct audit_bucket refused; /* For what was refused. */
    uint64_t lines;              /* Lines that were written. */
    uint64_t left_out;           /* Lines that the rate had no room for. */
    uint64_t left_out_reported;  /* Those that a line has told of. */
};

/* what: CONFIG_AUDIT_AUTO is all where clients say who they are. */
void audit_init(struct audit *audit, enum config_audit what, enum config_auth_kind auth,
                mono_time now);

/* The request was answered; or its connection became a stream, which has no status. */
void audit_request(struct audit *audit, const struct request *request, const char *method,
                   mono_time now);

#endif
