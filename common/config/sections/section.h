/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of the file, each in a file of its own: its rows, and a function to read it where
 * more is to be checked than each key by itself. The target of these functions is struct config.
 * common/config/sections.c is the table of all. Private to common/config.
 */
#ifndef COMMON_CONFIG_SECTIONS_SECTION_H
#define COMMON_CONFIG_SECTIONS_SECTION_H

#include "common/config/file/keys.h"

#define CONFIG_EVENTS_MAX 1000000 /* raw events that a process may be told to keep */
#define CONFIG_EVENTS_MEMORY_MAX (INT64_C(64) << 30) /* bytes that these may be told to take */
#define CONFIG_HELD_MAX 10000000                     /* tiles that a process may be told to hold */

extern const struct config_table config_source_table;   /* of struct config_source */
extern const struct config_table config_ingestor_table; /* of struct config_ingestor */
extern const struct config_table config_cache_table;    /* of struct config_cache */
extern const struct config_table config_gateway_table;  /* of struct config_gateway */
extern const struct config_table config_role_table;     /* of struct config_role */
extern const struct config_table config_curve_table;    /* of struct config_curve */
extern const struct config_table config_client_table;   /* of struct config_client */
extern const struct config_table config_alert_table;    /* of struct config_alert */
extern const struct config_table config_calendar_table; /* of struct business_calendar */

extern const struct config_table config_gateway_jwt_table;   /* of struct config_gateway_jwt */
extern const struct config_table config_gateway_proxy_table; /* of struct config_gateway_proxy */
extern const struct config_table config_issuer_table;        /* of struct config_issuer */

/* The keys of every tile, of struct tile_config: those that say which tile it is and what kind,
 * and the others. The keys of one type are in common/config/types. */
extern const struct config_table config_tile_identity_table;
extern const struct config_table config_tile_shared_table;

config_read_fn config_read_source;
config_read_fn config_read_sources;
config_read_fn config_read_ingestor;
config_read_fn config_read_roles;
config_read_fn config_read_views;
config_read_fn config_read_cors_origins;
config_read_fn config_read_frame_ancestors;
config_read_fn config_read_curve;
config_read_fn config_read_calendars;
config_read_fn config_read_tiles;
config_read_fn config_read_alerts;

/* Reads one source, whose keys go together; name is what the section is called in messages. */
int config_read_one_source(struct config_reader *r, const char *name, const struct yaml_node *value,
                           struct config_source *source);

/* Reads `source` of a tile, the name of one of `sources`. */
config_read_fn config_read_tile_source;

/* Reads `calendar` of a tile, the name of one of `calendars`. */
config_read_fn config_read_calendar;

/* Adds the fields of a source to those of all sources. */
int config_add_extras(struct config_reader *r, const struct yaml_node *at,
                      const struct config_source *source);

/* Checks what of `gateway` has to go together for the clients to be known; root is the whole file,
 * for the places in messages. */
int config_check_auth(struct config_reader *r, const struct yaml_node *root);

/* Checks that each of `alerts` has something to tell of; root as above. */
int config_check_alerts(struct config_reader *r, const struct yaml_node *root);

#endif
