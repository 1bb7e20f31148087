/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/dedupe.h"

#include <string.h>

/* The column, or the place in a message, that the field is read from. */
static const char *place_of(const struct config_source *source, const struct tile_field *field)
{
    switch (field->kind) {
    case TILE_FIELD_EVENT_TYPE:
        return source->columns[EVENT_TYPE].name;
    case TILE_FIELD_ACTOR_ID:
        return source->columns[EVENT_ACTOR].name;
    case TILE_FIELD_TARGET_ID:
        return source->columns[EVENT_TARGET].name;
    case TILE_FIELD_SUMMARY:
        return source->columns[EVENT_SUMMARY].name;
    case TILE_FIELD_EXTRA:
        for (size_t i = 0; i < source->extra_count; i++) { /* of several, it is a number over all */
            if (strcmp(source->extras[i].field, field->text) == 0) {
                return source->extras[i].column;
            }
        }
        break;
    case TILE_FIELD_PAYLOAD:
        return source->columns[EVENT_PAYLOAD].name;
    case TILE_FIELD_NONE:
        break;
    }
    return NULL;
}

void config_put_dedupe(const struct config_source *source, struct buf *out)
{
    if (source->dedupe.kind != TILE_FIELD_NONE) {
        const char *place = place_of(source, &source->dedupe);
        if (source->name != NULL) {
            buf_printf(out, "source %s ", source->name);
        }
        buf_printf(out, "dedupe=%s of %s within %lld\n", source->dedupe.text,
                   place != NULL ? place : "", (long long)source->dedupe_window_ms);
    }
}
