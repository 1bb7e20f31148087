/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_reload.h"

#include "common/program/log.h"
#include "ingestor/fold/fold_reload.h"
#include "ingestor/ingestor_alerts.h"
#include "ingestor/ingestor_build.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/ingestor_tiles.h"

struct removing {
    struct ingestor *ingestor;
    struct moment now;
};

static void publish_removal(void *arg, const struct fold_output *output)
{
    const struct removing *removing = arg;
    publisher_tile(removing->ingestor->publisher, output, removing->now);
    ingestor_alerts_see(removing->ingestor, output, removing->now);
}

/* A tile that changes its lane would have to be told on both, and their messages have no common
 * order within an epoch. */
static bool lanes_stay(const struct config *old, const struct config *new)
{
    for (size_t i = 0; i < new->tile_count; i++) {
        const struct tile_config *tile = &new->tiles[i];
        const struct tile_config *before = config_tile(old, str_of(tile->key));
        if (before != NULL && before->partition != tile->partition) {
            return old->ingestor.partitions == 0;
        }
    }
    return true;
}

/* Whether the tiles can be changed while all goes on. */
static bool fits(const struct ingestor *ingestor, const struct config *config)
{
    return ingestor->phase == INGESTOR_LIVE && config->base == ingestor->config->base &&
           ingestor->reloaded.count < INGESTOR_RELOADS_MAX &&
           (config->alert_count != 0) == (ingestor->alerting.sender != NULL) &&
           !fold_has_retired(ingestor->fold, config) &&
           lanes_stay(ingestor_tiles(ingestor), config);
}

/* Takes the configuration over. */
static void change_tiles(struct ingestor *ingestor, struct config *config)
{
    const struct moment now = ingestor_now(ingestor);
    struct removing removing = {ingestor, now};
    ingestor->reloaded.list[ingestor->reloaded.count++] = config;
    fold_advance(ingestor->fold, now);
    const struct fold_reloaded result = fold_reload(
        &ingestor->fold, config, buf_str(&ingestor->source.state), now, publish_removal, &removing);
    log_info("SIGHUP: %zu tile definitions go on, %zu are new or changed, %zu are gone",
             result.going_on, result.to_build, result.retired);
    ingestor->saving.unsaved = true;
    ingestor->saving.at_once = true;
    ingestor_build_next(ingestor);
    ingestor_flush(ingestor, ingestor_now(ingestor));
}

static void change_clients(struct ingestor *ingestor, struct config *config)
{
    struct error err = {{0}};
    config->program = ingestor->program->name;
    if (guard_change(ingestor->answering.guard, config, &err) != STATUS_OK) {
        log_error("SIGHUP: %s", err.text);
    }
}

int ingestor_reload(struct ingestor *ingestor)
{
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_load(ingestor->program->config_path, &config, &err) != STATUS_OK) {
        log_error("SIGHUP: %s; keeping the configuration as it was", err.text);
        return 0;
    }
    if (fits(ingestor, config)) {
        change_clients(ingestor, config);
        ingestor_alerts_change(ingestor, config);
        change_tiles(ingestor, config);
        return 0;
    }
    config_destroy(&config);
    log_info("SIGHUP: starting again with the new configuration");
    ingestor->start_again = true;
    return -1;
}

void ingestor_reload_finish(struct ingestor *ingestor)
{
    for (size_t i = 0; i < ingestor->reloaded.count; i++) {
        config_destroy(&ingestor->reloaded.list[i]);
    }
    ingestor->reloaded.count = 0;
}
