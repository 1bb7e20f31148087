/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/sections.h"

#include "common/config/sections/section.h"

#define SECTION(key, function, member, rows_of_it)                                                 \
    CONFIG_MEMBER(key, function, struct config, member), .table = &rows_of_it

static const struct config_key rows[] = {
    {SECTION("source", config_read_source, source, config_source_table),
     .help = "Where the events table is."},
    {CONFIG_CUSTOM("sources", config_read_sources),
     .help = "A list of several sources, instead of `source`."},
    {SECTION("ingestor", config_read_ingestor, ingestor, config_ingestor_table),
     .help = "The ingestor's addresses, lanes and checkpoint."},
    {SECTION("cache", config_read_subsection, cache, config_cache_table),
     .help = "The cache's addresses, what it follows and what it holds."},
    {SECTION("gateway", config_read_subsection, gateway, config_gateway_table),
     .help = "Where browsers connect, and the limits."},
    {SECTION("curve", config_read_curve, curve, config_curve_table),
     .help = "Keys for the connections between the programs."},
    {CONFIG_BOOL("insecure", struct config, insecure), .default_value = "false",
     .help = "Says that the network is trusted: no keys are needed between the programs, and "
             "nobody has to "
             "say who they are."},
    {CONFIG_LIST("calendars", config_read_calendars, CONFIG_CALENDARS_MAX),
     .help = "A list of when desks are open, for deadlines in business time."},
    {CONFIG_CUSTOM("tiles", config_read_tiles), .help = "A list of the tiles to compute."},
    {CONFIG_LIST("alerts", config_read_alerts, CONFIG_ALERTS_MAX),
     .help = "A list of those who are told when a tile is in trouble."},
};
const struct config_table config_sections = CONFIG_TABLE(rows);
