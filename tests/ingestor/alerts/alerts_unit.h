/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of alerts share: a configuration, and a day on which tiles are seen. */
#ifndef TESTS_INGESTOR_ALERTS_ALERTS_UNIT_H
#define TESTS_INGESTOR_ALERTS_ALERTS_UNIT_H

#include <stdio.h>
#include <stdlib.h>

#include "ingestor/alerts/alert_book.h"
#include "tests/unit.h"

#define DAY_US INT64_C(1795411920000000)

static inline struct config *configure(const char *alerts)
{
    char text[2000];
    struct config *config;
    struct error err = {{0}};
    snprintf(text, sizeof text,
             "source: {uri: \"sqlite:x.db\"}\n"
             "tiles: [{key: a, type: count, warn: \"> 1\", critical: \"> 9\"},\n"
             "        {key: b, type: count, critical: \"> 9\"}]\n"
             "alerts: [%s]\n",
             alerts);
    if (config_parse(text, strlen(text), "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

static inline struct moment at(int64_t s)
{
    return (struct moment){{DAY_US + s * US_PER_S}, {s * US_PER_S + 1}};
}

static inline void see_at(struct alert_book *book, const char *key, int level, int64_t s)
{
    const struct alert_view view = {
        .key = str_of(key),
        .title = "T",
        .sight = level < 0 ? ALERT_OK : ALERT_TROUBLE,
        .level = level < 0 ? TILE_WARN : (enum tile_level)level,
        .since = at(s).wall,
    };
    alert_book_see(book, &view, at(s).wall);
}

#endif
