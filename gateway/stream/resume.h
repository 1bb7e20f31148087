/* SPDX-License-Identifier: Apache-2.0 */
/* Where a client goes on in the log of events. */
#ifndef GATEWAY_STREAM_RESUME_H
#define GATEWAY_STREAM_RESUME_H

#include "common/store/eventlog.h"
#include "gateway/base/view.h"

/* As eventlog_resume, for a client with that view: an event that it may not see is to it as one
 * that never was. Else it could find out which ids hidden events have. */
bool resume_after(const struct eventlog *log, const struct view *view, struct event_id id,
                  uint64_t *after);

#endif
