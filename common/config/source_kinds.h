/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration has to know of each kind of source: one row a kind, in one table. A new
 * kind is a line of SOURCE_KIND_LIST (config.h), a row here, a folder ingestor/source/NAME and a
 * file ctl/oracle/sources/NAME.c.
 * Private to common/config, but for source_kind_name (config.h).
 */
#ifndef COMMON_CONFIG_SOURCE_KINDS_H
#define COMMON_CONFIG_SOURCE_KINDS_H

#include "common/config/file/keys.h"

#define CONFIG_SCHEMES_MAX 2 /* schemes of one kind */

struct config_source_kind {
    const char *name;                        /* for people: "SQLite" */
    const char *form;                        /* what to write as the URI: "sqlite:FILE" */
    const char *schemes[CONFIG_SCHEMES_MAX]; /* what the URI may begin with; NULL: no second one */
    const char
        *package;      /* of Debian, that a bus is built with; NULL: every tilewire has the kind */
    bool has_password; /* True when password_file makes sense. */
    bool listens;      /* True when listen_uri makes sense. */
    bool messages;     /* True for a bus, whose messages have `fields` and a `format`; a table has
                        * `table`, `columns` and `cursor`. */
    /* Where `checkpoint: auto` keeps the state. CHECKPOINT_FILE is a file beside the database, so
     * that read_uri has to set source->path then. CHECKPOINT_POSTGRESQL is the source's own
     * database. */
    enum checkpoint_kind checkpoint;
    /* Fills in source from what follows the scheme, a piece of value's text. Its messages may not
     * repeat the URI, which may hold a password. */
    int (*read_uri)(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, struct str rest, struct config_source *source);
};

/* The row of a kind; never NULL. */
const struct config_source_kind *config_source_kind(enum source_kind kind);

/* Finds the kind whose scheme a URI begins with, and stores what follows the scheme. False when
 * there is none. */
bool config_find_source_kind(struct str uri, enum source_kind *out, struct str *rest);

/* True when what follows the scheme of a URI of PostgreSQL holds a password, which may not stand in
 * a configuration. */
bool config_uri_has_password(struct str rest);

/* What to write as the URI, for people: "sqlite:FILE or postgresql://…". Belongs to the
 * configuration. */
const char *config_source_forms(struct config_reader *r);

#endif
