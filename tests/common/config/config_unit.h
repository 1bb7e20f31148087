/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the configuration share: a text in, a configuration or its message out. */
#ifndef TESTS_COMMON_CONFIG_CONFIG_UNIT_H
#define TESTS_COMMON_CONFIG_CONFIG_UNIT_H

#include "common/config/config.h"
#include "tests/unit.h"

/* The name that texts are parsed under; messages begin with it, relative paths with /etc/tilewire/.
 */
#define CONFIG_NAME "/etc/tilewire/t.yaml"

static inline struct config *parse_ok(const char *text)
{
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_parse(text, strlen(text), CONFIG_NAME, &config, &err) != STATUS_OK) {
        fail_msg("refused: %s\n%s", err.text, text);
    }
    assert_non_null(config);
    assert_string_equal(err.text, "");
    return config;
}

/* A text that is refused, and the message after the file's name and a colon. */
struct refusal {
    const char *text;
    const char *message;
};

static inline void check_refusals(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct config *config = NULL;
        struct error err = {{0}};
        const char *text = refusals[i].text;
        if (config_parse(text, strlen(text), CONFIG_NAME, &config, &err) == STATUS_OK) {
            fail_msg("accepted: %s", text);
        }
        assert_null(config);
        if (strncmp(err.text, CONFIG_NAME ":", strlen(CONFIG_NAME ":")) != 0) {
            fail_msg("no file name in: %s", err.text);
        }
        assert_string_equal(err.text + strlen(CONFIG_NAME ":"), refusals[i].message);
    }
}

#define REFUSED(refusals) check_refusals(refusals, sizeof(refusals) / sizeof((refusals)[0]))

#endif
