/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/state/stores.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/lease/lease_file.h"
#include "common/lease/lease_postgres.h"
#include "common/state/state_file.h"
#include "common/state/state_postgres.h"

#define READ_TRIES 5 /* while holders of the lease follow each other */

static bool in_files(const struct config *config)
{
    return config->ingestor.checkpoint == CHECKPOINT_FILE;
}

static const struct state_store_ops *store_of(const struct config *config)
{
    if (in_files(config)) {
        return &state_file;
    }
    return config->ingestor.checkpoint_uri != NULL ? &state_postgres_apart : &state_postgres;
}

/* ---- Reading ---- */

static int read_once(const struct config *config, struct state_changes *records,
                     struct state_changes *journal, struct error *err)
{
    const struct state_store_ops *ops = store_of(config);
    struct state_store *store;
    int status = ops->open(config, NULL, &store, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = ops->load(store, records, err);
    if (status == STATUS_OK && journal != NULL &&
        state_whole(records, STATE_LEGACY).p == NULL) { /* whose journal is not read */
        status = ops->journal(store, journal, err);
        if (status == STATUS_INVALID) { /* without it streams would not be told `reset` */
            error_prefix(err, status,
                         "start the ingestor once, which goes on without its journal, and run "
                         "this command again");
        }
    }
    ops->close(store);
    return status;
}

int stores_read(const struct config *config, struct state_changes *records,
                struct state_changes *journal, struct error *err)
{
    int status = STATUS_AGAIN;
    for (int tries = 0; tries < READ_TRIES && status == STATUS_AGAIN; tries++) {
        state_changes_clear(records);
        status = read_once(config, records, journal, err);
    }
    if (status == STATUS_NOT_FOUND && in_files(config)) {
        return error_set(err, status, "there is no state %s; ingestor.checkpoint says where it is",
                         config->ingestor.checkpoint_path);
    }
    if (status == STATUS_NOT_FOUND && config->ingestor.checkpoint_uri != NULL) {
        return error_set(err, status,
                         "there is no state \"%s\" for these lanes in the schema tilewire of the "
                         "database that ingestor.checkpoint names",
                         config->ingestor.checkpoint_name);
    }
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, status,
                         "there is no state in the schema tilewire of this database for table %s "
                         "and these lanes; ingestor.checkpoint says where it is",
                         config->source.table);
    }
    return status == STATUS_AGAIN ? STATUS_IO : status;
}

/* ---- Writing ---- */

static int confirm(void *arg, struct error *err)
{
    const struct stores_held *held = arg;
    return held->lease_ops->confirm(held->config, &held->grant, err);
}

/* An ingestor cannot use files that are another user's. */
static int check_user(const char *path, struct error *err)
{
    struct stat there;
    if (stat(path, &there) == 0 && there.st_uid != geteuid()) {
        return error_set(err, STATUS_DENIED,
                         "%s is of user %u, and files that others make beside it are of no use to "
                         "the ingestor; run this command as that user (sudo -u '#%u')",
                         path, (unsigned)there.st_uid, (unsigned)there.st_uid);
    }
    return STATUS_OK;
}

int stores_hold(struct stores_held *held, const struct config *config, int wait_ms,
                struct error *err)
{
    struct error why = {{0}};
    *held = (struct stores_held){.config = config,
                                 .lease_ops = in_files(config) ? &lease_file : &lease_postgres};
    if (in_files(config)) {
        const int status = check_user(config->ingestor.checkpoint_path, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    held->lease = lease_create(config, held->lease_ops);
    switch (lease_await(held->lease, wait_ms, &held->grant, &why)) {
    case LEASE_HELD:
        return STATUS_OK;
    case LEASE_BLOCKED:
        return error_set(err, STATUS_IO, "the lease on the state cannot be had: %s", why.text);
    case LEASE_WAITING:
    case LEASE_LOST:
        break;
    }
    return error_set(err, STATUS_AGAIN,
                     "the state is in use: %s. Nothing was changed. Stop the ingestor and its "
                     "standbys, run this command again, and start them",
                     why.text[0] != '\0' ? why.text
                                         : "whose the lease is could not be seen in time");
}

int stores_open(struct stores_held *held, struct error *err)
{
    const bool confirms = held->lease_ops->confirm != NULL;
    const struct state_fence fence = {held->grant.number, confirms ? confirm : NULL, held};
    return store_of(held->config)->open(held->config, &fence, &held->store, err);
}

void stores_release(struct stores_held *held)
{
    if (held->store != NULL) {
        held->store->ops->close(held->store);
        held->store = NULL;
    }
    lease_destroy(&held->lease);
}
