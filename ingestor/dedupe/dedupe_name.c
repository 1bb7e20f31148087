/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/dedupe/dedupe_name.h"

#include <stdio.h>
#include <string.h>

#include "ingestor/fold/row.h"

/* Some writers encode a payload twice: then the JSON that the string holds is read in its place.
 * The root; NULL when there is no payload that can be used. */
static const struct json_node *read_payload(struct dedupe_reader *r, struct str payload)
{
    struct json_outline *outline = &r->outline;
    struct str text;
    if (payload.len > ROW_PAYLOAD_MAX || !json_outline_read(outline, payload)) {
        return NULL;
    }
    const struct json_node *root = json_outline_root(outline);
    if (!json_outline_text(outline, root, &r->inner, &text)) {
        return root;
    }
    size_t begin = 0;
    while (begin < text.len && strchr(" \t\r\n", text.p[begin]) != NULL) {
        begin++;
    }
    if (begin == text.len || (text.p[begin] != '{' && text.p[begin] != '[')) {
        return root;
    }
    return json_outline_read(outline, text) ? json_outline_root(outline) : NULL;
}

static bool number_text(struct dedupe_reader *r, const struct json_node *node, struct str *out)
{
    int64_t integer;
    double real;
    size_t len;
    if (json_outline_integer(&r->outline, node, &integer)) {
        len = (size_t)snprintf(r->number, sizeof r->number, "%lld", (long long)integer);
    } else if (node->kind == OUTLINE_INTEGER) {
        *out = json_outline_raw(&r->outline, node); /* with each of its digits */
        return true;
    } else if (json_outline_number(&r->outline, node, &real)) {
        len = json_number_text(real, r->number);
    } else {
        return false;
    }
    *out = (struct str){r->number, len};
    return true;
}

static bool payload_name(struct dedupe_reader *r, struct str payload, struct str path,
                         struct str *out)
{
    const struct json_node *node = json_outline_at(&r->outline, read_payload(r, payload), path);
    if (node == NULL) {
        return false;
    }
    switch ((enum json_outline_kind)node->kind) {
    case OUTLINE_STRING:
        return json_outline_text(&r->outline, node, &r->text, out);
    case OUTLINE_BOOL:
        *out = json_outline_raw(&r->outline, node);
        return true;
    case OUTLINE_INTEGER:
    case OUTLINE_REAL:
        return number_text(r, node, out);
    case OUTLINE_NULL:
    case OUTLINE_LIST:
    case OUTLINE_MAP:
    case OUTLINE_UNUSABLE:
        break;
    }
    return false;
}

bool dedupe_name(struct dedupe_reader *reader, const struct event *event,
                 const struct tile_field *field, struct str *out)
{
    *out = STR_NULL;
    if (field->kind == TILE_FIELD_PAYLOAD) {
        return event->payload.p != NULL && payload_name(reader, event->payload, field->path, out) &&
               out->len != 0;
    }
    struct fold_counters unused = {0}; /* The fold counts what it finds unusable. */
    struct row row = row_of(event, &unused);
    return row_text(&row, field, reader->number, out) && out->len != 0;
}

void dedupe_reader_free(struct dedupe_reader *reader)
{
    json_outline_free(&reader->outline);
    buf_free(&reader->inner);
    buf_free(&reader->text);
}
