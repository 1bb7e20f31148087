/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a server of NATS, and what is asked about the stream. A connection that is lost
 * stays lost.
 *
 * The thread that opens it uses it; libnats has threads of its own below.
 */
#ifndef INGESTOR_SOURCE_NATS_NATS_CLIENT_H
#define INGESTOR_SOURCE_NATS_NATS_CLIENT_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/source/nats/nats_state.h"

#define NATS_ANSWER_MS 5000 /* how long a server is waited for */

struct nats_client {
    const struct config_source *source; /* borrowed */
    bool open;                          /* Set by nats_client_open, whether or not it succeeded. */
    natsConnection *connection;         /* owned; NULL: it could not be made */
    jsCtx *js;                          /* its JetStream; owned */
    natsSubscription **ended;           /* that are kept until the connection is closed */
    size_t ended_count;                 /* how many there are */
};

/* STATUS_INVALID: an option is refused, and err names it; STATUS_IO: nobody answers. */
int nats_client_open(struct nats_client *client, const struct config *config, struct error *err);
void nats_client_close(struct nats_client *client);

/* Ends a subscription, and takes it over: libnats 3.4 may still be about to put a message into it
 * when it is destroyed before the connection is closed (mended in 3.6, nats.c#638). */
void nats_client_end(struct nats_client *client, natsSubscription *subscription);

/* Looks what is there of the stream. anchor: the message to look for; NULL: none is.
 * STATUS_NOT_FOUND: there is no such stream; STATUS_IO: nobody answers. */
int nats_client_inspect(struct nats_client *client, const struct nats_anchor *anchor,
                        struct nats_stream *out, struct error *err);

/* What to say when something could not be done. STATUS_IO. */
int nats_client_failed(const struct nats_client *client, const char *what, natsStatus code,
                       struct error *err);

#endif
