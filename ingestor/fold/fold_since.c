/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_since.h"

#include <inttypes.h>
#include <stdio.h>

struct fold_since fold_since_row(const struct event *event)
{
    struct fold_since since = {.known = true, .time = event->timestamp};
    char scratch[EVENT_ID_NUMBER_SIZE];
    const struct str id = event_id_format(event->id, scratch);
    snprintf(since.position, sizeof since.position, "%.*s", (int)id.len, id.p);
    return since;
}
