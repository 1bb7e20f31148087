/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/types/tile_display.h"

#include <string.h>

#define LINK_MAX 2048 /* bytes */

const char *const tile_display_formats[] = {
    [TILE_FORMAT_NUMBER] = "number",     [TILE_FORMAT_BYTES] = "bytes",
    [TILE_FORMAT_PERCENT] = "percent",   [TILE_FORMAT_DURATION] = "duration",
    [TILE_FORMAT_CURRENCY] = "currency", NULL};

const char *tile_format_name(enum tile_format format)
{
    return tile_display_formats[format];
}

int tile_display_read_link(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < COUNT_OF(schemes) && value->kind == YAML_SCALAR; i++) {
        const size_t len = strlen(schemes[i]);
        if (value->text.len > len && value->text.len <= LINK_MAX &&
            memcmp(value->text.p, schemes[i], len) == 0) {
            *(const char **)config_member(target, key) = config_copy(r, value->text);
            return STATUS_OK;
        }
    }
    return config_expected(
        r, value, key->name,
        "an address of at most 2048 bytes, such as https://tickets.example/{id}");
}

/* True for the three capital letters of ISO 4217. */
static bool is_currency(const char *unit)
{
    return unit != NULL && strlen(unit) == 3 &&
           strspn(unit, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(unit);
}

int tile_display_finish(const struct tile_reading *t)
{
    struct tile_display *display = &t->tile->display;
    display->has_decimals = tile_rules_given(t, "decimals") != NULL;
    if (display->format == TILE_FORMAT_CURRENCY && !is_currency(t->tile->unit)) {
        return config_fail(t->r, tile_rules_given(t, "format"), "format",
                           "currency needs to know which one: write its three letters, such as "
                           "unit: EUR");
    }
    return STATUS_OK;
}
