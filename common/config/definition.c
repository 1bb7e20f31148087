/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/definition.h"

#include "common/base/buf.h"
#include "common/codec/json.h"

static void write_scalar(struct buf *out, const struct yaml_node *node)
{
    bool truth;
    double number;
    if (yaml_is_null(node)) {
        buf_append_text(out, "null");
    } else if (yaml_as_bool(node, &truth)) {
        buf_append_text(out, truth ? "true" : "false");
    } else if (yaml_as_number(node, &number)) {
        buf_append_str(out, node->text); /* written as in JSON */
    } else {
        json_write_string(out, node->text);
    }
}

/* Depth is bounded by YAML_DEPTH_MAX. */
static void write_node(struct buf *out, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        write_scalar(out, node);
        return;
    }
    const bool map = node->kind == YAML_MAP;
    buf_append_char(out, map ? '{' : '[');
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        buf_append_text(out, entry == node->first ? "" : ",");
        if (map) {
            json_write_string(out, entry->key->text);
            buf_append_char(out, ':');
        }
        write_node(out, entry);
    }
    buf_append_char(out, map ? '}' : ']');
}

const char *config_definition(struct arena *memory, const struct yaml_node *node)
{
    struct buf out = {0};
    write_node(&out, node);
    const char *text = arena_strndup(memory, out.data, out.len);
    buf_free(&out);
    return text;
}
