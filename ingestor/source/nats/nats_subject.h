/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects of NATS: tokens joined by dots. In a pattern `*` stands for one token, and `>` at the
 * end for one or more. Pure. */
#ifndef INGESTOR_SOURCE_NATS_NATS_SUBJECT_H
#define INGESTOR_SOURCE_NATS_NATS_SUBJECT_H

#include <stdbool.h>

bool nats_subject_covers(const char *pattern, const char *subject);

#endif
