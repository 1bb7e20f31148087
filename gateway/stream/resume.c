/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/resume.h"

bool resume_after(const struct eventlog *log, const struct view *view, struct event_id id,
                  uint64_t *after)
{
    const struct eventlog_entry *entry = eventlog_find_seen(log, id);
    return (entry == NULL || view_shows(view, VIEW_EVENTS, entry->event_type)) &&
           eventlog_resume(log, id, after);
}
