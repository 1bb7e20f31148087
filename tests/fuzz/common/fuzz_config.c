/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: either a configuration comes out, the same each time and with definitions
 * that are JSON; or one line that says where the file is wrong. Input: the file. */
#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/config/config.h"
#include "tests/fuzz/fuzz.h"

static void check_definitions(const struct config *config)
{
    for (size_t i = 0; i < config->tile_count; i++) {
        const struct tile_config *tile = &config->tiles[i];
        struct json_value *json;
        struct str key;
        FUZZ_CHECK(json_parse(str_of(tile->definition), SIZE_MAX, &json) == STATUS_OK);
        FUZZ_CHECK(json_as_str(json_at(json, STR("key")), &key) && str_is(key, tile->key));
        FUZZ_CHECK(config_tile(config, str_of(tile->key)) == tile);
        json_free(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct str text = fuzz_text(data, len);
    struct config *config;
    struct config *again;
    struct error err = {{0}};
    const int status = config_parse(text.p, text.len, "t.yaml", &config, &err);
    FUZZ_CHECK((status == STATUS_OK) == (config != NULL));
    if (status == STATUS_OK) {
        fuzz_took();
        check_definitions(config);
        FUZZ_CHECK(config_parse(text.p, text.len, "t.yaml", &again, &err) == STATUS_OK);
        FUZZ_CHECK(again->base == config->base && again->tile_count == config->tile_count);
        config_destroy(&again);
    } else {
        FUZZ_CHECK(status == STATUS_INVALID && strncmp(err.text, "t.yaml:", 7) == 0);
        FUZZ_CHECK(strchr(err.text, '\n') == NULL);
    }
    config_destroy(&config);
    return 0;
}
