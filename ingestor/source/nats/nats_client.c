/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_client.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/source/nats/nats_options.h"

#define END_MS 2000 /* how long threads of libnats are waited for */

/* ---- The library ---- */

/* libnats has threads that outlive connections, and OpenSSL, below it, random numbers of each
 * thread. Both are ended with the last client: nobody waits for our thread at the end of the
 * program, so that sanitizers would call what is left a leak. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned library_users; /* under the lock */

static void library_take(void)
{
    pthread_mutex_lock(&library_lock);
    library_users++;
    (void)nats_Open(-1); /* what fails here fails with the first options, too */
    pthread_mutex_unlock(&library_lock);
}

static void library_give(void)
{
    pthread_mutex_lock(&library_lock);
    nats_ReleaseThreadMemory();
    OPENSSL_thread_stop();
    if (--library_users == 0) {
        (void)nats_CloseAndWait(END_MS);
    }
    pthread_mutex_unlock(&library_lock);
}

/* ---- Connections ---- */

int nats_client_failed(const struct nats_client *client, const char *what, natsStatus code,
                       struct error *err)
{
    const char *said = nats_GetLastError(NULL);
    const bool more = said != NULL && *said != '\0';
    return error_set(err, STATUS_IO, "NATS at %s: %s: %s%s%.300s", client->source->nats.servers[0],
                     what, natsStatus_GetText(code), more ? ": " : "", more ? said : "");
}

int nats_client_open(struct nats_client *client, const struct config *config, struct error *err)
{
    const struct config_nats *nats = &config->source.nats;
    natsOptions *options = NULL;
    jsOptions js;
    *client = (struct nats_client){.source = &config->source, .open = true};
    library_take();
    natsStatus code = natsOptions_Create(&options);
    int status = code == NATS_OK ? nats_options_set(options, &config->source, err)
                                 : nats_client_failed(client, "no memory", code, err);
    if (status == STATUS_OK) {
        code = natsConnection_Connect(&client->connection, options);
        if (code != NATS_OK) {
            status = nats_client_failed(client, "cannot be connected to", code, err);
        }
    }
    natsOptions_Destroy(options);
    if (status == STATUS_OK) {
        jsOptions_Init(&js);
        js.Wait = NATS_ANSWER_MS;
        js.Domain = nats->domain;
        code = natsConnection_JetStream(&client->js, client->connection, &js);
        if (code != NATS_OK) {
            status = nats_client_failed(client, "JetStream", code, err);
        }
    }
    if (status != STATUS_OK) {
        nats_client_close(client);
    }
    return status;
}

void nats_client_close(struct nats_client *client)
{
    if (!client->open) {
        return;
    }
    jsCtx_Destroy(client->js);
    natsConnection_Close(client->connection);
    for (size_t i = 0; i < client->ended_count; i++) {
        natsSubscription_Destroy(client->ended[i]);
    }
    natsConnection_Destroy(client->connection);
    free((void *)client->ended);
    *client = (struct nats_client){.source = client->source};
    library_give();
}

void nats_client_end(struct nats_client *client, natsSubscription *subscription)
{
    (void)natsSubscription_Unsubscribe(subscription);
    client->ended = (natsSubscription **)x_reallocarray(
        (void *)client->ended, client->ended_count + 1, sizeof *client->ended);
    client->ended[client->ended_count++] = subscription;
}

/* A message that is not there any more has no time. */
static int find_anchor(struct nats_client *client, const struct nats_anchor *anchor,
                       struct nats_stream *out, struct error *err)
{
    natsMsg *message = NULL;
    const natsStatus code =
        js_GetMsg(&message, client->js, client->source->nats.stream, anchor->sequence, NULL, NULL);
    if (code == NATS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (code != NATS_OK) {
        return nats_client_failed(client, "the message that was read last", code, err);
    }
    out->last_time_ns = natsMsg_GetTime(message);
    natsMsg_Destroy(message);
    return STATUS_OK;
}

int nats_client_inspect(struct nats_client *client, const struct nats_anchor *anchor,
                        struct nats_stream *out, struct error *err)
{
    const struct config_nats *nats = &client->source->nats;
    jsStreamInfo *info = NULL;
    jsErrCode why = 0;
    const natsStatus code = js_GetStreamInfo(&info, client->js, nats->stream, NULL, &why);
    if (code == NATS_NOT_FOUND && why == JSStreamNotFoundErr) {
        return error_set(err, STATUS_NOT_FOUND,
                         "NATS at %s has no stream \"%s\"; create it, or name another one in "
                         "source.uri",
                         nats->servers[0], nats->stream);
    }
    if (code != NATS_OK) {
        return nats_client_failed(client, "which messages the stream has", code, err);
    }
    *out = (struct nats_stream){
        .created = info->Created,
        .first = info->State.FirstSeq > 0 ? info->State.FirstSeq : 1,
        .end = info->State.LastSeq + 1,
        .newest_only = info->Config->MaxMsgsPerSubject > 0 || info->Config->AllowRollup,
    };
    jsStreamInfo_Destroy(info);
    const bool there =
        anchor != NULL && anchor->sequence >= out->first && anchor->sequence < out->end;
    return there ? find_anchor(client, anchor, out, err) : STATUS_OK;
}
