/* SPDX-License-Identifier: Apache-2.0 */
/* `source.redis`: what the address of a stream does not say. */
#include "common/config/sections/source_columns.h"

static const struct config_key rows[] = {
    {CONFIG_COUNT("database", struct config_redis, database, 0, 65535), .default_value = "0",
     .help = "The number of the database."},
    {CONFIG_TEXT("user", struct config_redis, user, 256),
     .default_words = "none: the password alone counts",
     .help = "The user whose password `password_file` holds."},
    {CONFIG_TEXT("field", struct config_redis, field, 256),
     .default_words = "what the entry's fields say",
     .help = "The field of an entry whose text is the value of the message."},
};
const struct config_table config_redis_table = CONFIG_TABLE(rows);
