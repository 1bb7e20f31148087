/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text that source.dedupe knows an event by. It is looked for in each event before any tile
 * asks for anything, so of a payload there is an outline here and no document: the same text as
 * row_text finds, for a third of the time.
 */
#ifndef INGESTOR_DEDUPE_DEDUPE_NAME_H
#define INGESTOR_DEDUPE_DEDUPE_NAME_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/codec/json.h"
#include "common/codec/json_outline.h"
#include "common/config/tiles.h"
#include "common/store/event.h"

/* What is used again for each event; zero-initialised: empty. */
struct dedupe_reader {
    struct json_outline outline;   /* of the payload, or of the JSON that it holds as a string */
    struct buf inner;              /* that JSON, when it is written with escapes */
    struct buf text;               /* a name that is written with escapes */
    char number[JSON_NUMBER_SIZE]; /* a name that is a number */
};

/* False for an event without such a field, or with an empty, null or unusable one, which counts as
 * itself. The text is borrowed from the event or the reader, until the next call. */
bool dedupe_name(struct dedupe_reader *reader, const struct event *event,
                 const struct tile_field *field, struct str *out);

void dedupe_reader_free(struct dedupe_reader *reader);

#endif
