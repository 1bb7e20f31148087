/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/sections/source_dedupe.h"

#include "common/config/match.h"

int config_read_dedupe(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    (void)target;
    return value->kind == YAML_SCALAR && !yaml_is_null(value)
               ? STATUS_OK
               : config_fail(r, value, key->name,
                             "expected a field such as payload.event_id; leave it out where each "
                             "event counts");
}

/* Keys that mean nothing by themselves. */
static int check_alone(struct config_reader *r, const struct yaml_node *section)
{
    static const char *const names[] = {"dedupe_window", "dedupe_memory"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct yaml_node *value = yaml_get(section, names[i]);
        if (value != NULL) {
            return config_fail(r, value->key, NULL,
                               "source.%s: nothing says what tells events apart; write "
                               "source.dedupe: payload.event_id, or leave it out",
                               names[i]);
        }
    }
    return STATUS_OK;
}

int config_finish_dedupe(struct config_reader *r, const struct yaml_node *section,
                         struct config_source *source)
{
    const struct yaml_node *value = yaml_get(section, "dedupe");
    if (value == NULL) {
        return check_alone(r, section);
    }
    const int status = config_read_field_at(r, "source.dedupe", value, &source->dedupe);
    if (status == STATUS_OK && source->dedupe.kind == TILE_FIELD_EVENT_TYPE) {
        return config_fail(r, value, "source.dedupe",
                           "all events of a type have the same one, so that one of them would "
                           "count; write a field that is another one for each, such as "
                           "payload.event_id");
    }
    return status;
}
