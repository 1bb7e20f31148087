/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's own reading of messages, by docs/messages.md: which texts a message of a bus has for
 * the columns of a row, and its time.
 */
#ifndef CTL_ORACLE_MESSAGE_H
#define CTL_ORACLE_MESSAGE_H

#include "common/base/arena.h"
#include "ctl/oracle/columns.h"

/* A message as a bus gave it; all is borrowed. */
struct oracle_message {
    struct str topic;  /* the topic, subject or stream */
    int32_t partition; /* of the topic; 0 where there are none */
    struct str key;    /* STR_NULL: none */
    struct str value;  /* STR_NULL: none */
    int64_t time_ms;   /* since 1970; below 0: none */
    /* The last header of that name, or STR_NULL. */
    struct str (*header)(const struct oracle_message *message, const char *name);
    void *data; /* of header */
};

enum oracle_message_kind {
    ORACLE_MESSAGE_ROW,
    ORACLE_MESSAGE_BAD,     /* It is none that the format allows. */
    ORACLE_MESSAGE_NOTHING, /* It says nothing about a tile. */
};

/* Fills texts[], indexed like the columns, and *us where *timed. What had to be made stands in
 * memory of the arena. */
enum oracle_message_kind oracle_message_read(const struct config_source *source,
                                             const struct oracle_message *message,
                                             struct arena *memory, struct str *texts, bool *timed,
                                             int64_t *us);

#endif
