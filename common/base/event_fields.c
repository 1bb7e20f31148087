/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/event_fields.h"

const struct event_field_info event_fields[EVENT_FIELDS] = {
    [EVENT_ID] = {"id", false},           [EVENT_TIMESTAMP] = {"timestamp", false},
    [EVENT_TYPE] = {"event_type", false}, [EVENT_ACTOR] = {"actor_id", true},
    [EVENT_TARGET] = {"target_id", true}, [EVENT_SUMMARY] = {"summary", true},
    [EVENT_PAYLOAD] = {"payload", true},
};
