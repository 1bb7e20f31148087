/* SPDX-License-Identifier: Apache-2.0 */
/* The `cache` section: its addresses, whom it follows, and how much it holds. */
#include "common/config/network.h"
#include "common/config/sections/section.h"

static const struct config_key limit_rows[] = {
    {CONFIG_COUNT("tiles", struct config_cache, limits.tiles, 1, CONFIG_HELD_MAX),
     .default_value = "100000", .help = "The number of tiles that are held at once."},
};
static const struct config_table limits_table = CONFIG_TABLE(limit_rows);

static const struct config_key rows[] = {
    {CONFIG_UPSTREAMS("upstreams", struct config_cache, upstreams),
     .default_words = "the ingestor of this file",
     .help = "A list of those whom the cache follows, in order of preference."},
    {CONFIG_BIND("publish", struct config_cache, publish), .default_value = "tcp://127.0.0.1:7411",
     .help = "The address where deltas are passed on (XPUB)."},
    {CONFIG_BIND("query", struct config_cache, query), .default_value = "tcp://127.0.0.1:7412",
     .help = "The address where queries are answered (ROUTER)."},
    {CONFIG_COUNT("events", struct config_cache, events, 1, CONFIG_EVENTS_MAX),
     .default_value = "10000", .help = "The number of raw events that are kept in memory."},
    {CONFIG_SIZE("events_memory", struct config_cache, events_memory_bytes, 1 << 20,
                 CONFIG_EVENTS_MEMORY_MAX),
     .default_value = "64MiB", .help = "The memory that raw events may take; the oldest leave."},
    {CONFIG_SAME_SECTION("limits", limits_table), .help = "How much a cache holds."},
};
const struct config_table config_cache_table = CONFIG_TABLE(rows);
