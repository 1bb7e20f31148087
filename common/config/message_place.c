/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/message_place.h"

#include <stddef.h>
#include <string.h>

#define ANY_FORMAT ((1U << MESSAGE_FORMATS) - 1)

static const struct {
    const char *word;
    enum message_place_kind kind;
    bool alone;       /* The word may stand alone. */
    bool named;       /* A dot and a name may follow. */
    unsigned formats; /* bit i: the format i has it */
} places[] = {
    {"value", PLACE_VALUE, true, true, ANY_FORMAT},
    {"key", PLACE_KEY, true, false, ANY_FORMAT},
    {"header", PLACE_HEADER, false, true, ANY_FORMAT},
    {"topic", PLACE_TOPIC, true, false, ANY_FORMAT},
    {"subject", PLACE_TOPIC, true, false, ANY_FORMAT}, /* as NATS calls it */
    {"partition", PLACE_PARTITION, true, false, ANY_FORMAT},
    {"timestamp", PLACE_TIME, true, false, ANY_FORMAT},
    {"ce", PLACE_ATTRIBUTE, false, true, 1U << MESSAGE_CLOUDEVENTS},
    {"change.type", PLACE_CHANGE_TYPE, true, false, 1U << MESSAGE_DEBEZIUM},
    {"change.time", PLACE_CHANGE_TIME, true, false, 1U << MESSAGE_DEBEZIUM},
    {"change.row", PLACE_CHANGE_ROW, true, true, 1U << MESSAGE_DEBEZIUM},
};

/* True when a path has no empty step. */
static bool path_valid(struct str path)
{
    bool step = false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.p[i] == '.' && !step) {
            return false;
        }
        step = path.p[i] != '.';
    }
    return step;
}

bool message_place_parse(struct str text, enum message_format format, struct message_place *out)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const size_t len = strlen(places[i].word);
        if ((places[i].formats >> format & 1) == 0 || text.len < len ||
            memcmp(text.p, places[i].word, len) != 0) {
            continue;
        }
        const struct str rest = {text.p + len, text.len - len};
        if (rest.len == 0 && places[i].alone) {
            *out = (struct message_place){places[i].kind, rest};
            return true;
        }
        if (rest.len > 1 && rest.p[0] == '.' && places[i].named) {
            const struct str name = {rest.p + 1, rest.len - 1};
            *out = (struct message_place){places[i].kind, name};
            const bool is_path =
                places[i].kind == PLACE_VALUE || places[i].kind == PLACE_CHANGE_ROW;
            return !is_path || path_valid(name);
        }
    }
    return false;
}

const char *message_place_words(enum message_format format)
{
    static const char *const words[MESSAGE_FORMATS] = {
        [MESSAGE_JSON] = "value, value.MEMBER, key, header.NAME, topic, subject, "
                         "partition or timestamp",
        [MESSAGE_CLOUDEVENTS] = "ce.ATTRIBUTE, value, value.MEMBER, key, header.NAME, topic, "
                                "subject, partition or timestamp",
        [MESSAGE_DEBEZIUM] = "value, value.MEMBER, key, change.type, change.time, "
                             "change.row.COLUMN, header.NAME, topic, subject, partition or "
                             "timestamp",
    };
    return words[format];
}
