/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's connection to NATS, for others that look at the same stream. */
#ifndef CTL_ORACLE_SOURCES_NATS_H
#define CTL_ORACLE_SOURCES_NATS_H

#include <nats/nats.h>

#include "ctl/oracle/message.h"

/* Connects; the caller destroys both. STATUS_IO; STATUS_DENIED: a secret cannot be read. */
int oracle_nats_connect(const struct config_source *source, natsConnection **connection, jsCtx **js,
                        struct error *err);

/* Reads a message that js_GetMsg gave, as oracle_message_read does. Texts are those of the message,
 * or stand in memory. */
enum oracle_message_kind oracle_nats_read(const struct config_source *source, natsMsg *m,
                                          struct arena *memory, struct str *texts, bool *timed,
                                          int64_t *us);

#endif
