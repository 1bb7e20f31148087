/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_publish.h"

#include "common/program/log.h"
#include "common/program/notify.h"
#include "ingestor/ingestor_alerts.h"
#include "ingestor/ingestor_clock.h"

#define HEARTBEAT_MS 1000
#define SILENT_POLL_MS 100 /* how often a silent ingestor asks whether it may speak again */
#define ROWS_FIRST_MS 3000 /* how long a save waits for rows that may not even be there */

/* All that is published goes through here. The lease is asked for each message, because between two
 * of them the process may have been stopped for an hour. What could not be sent has a number
 * already, so it cannot be left out: there must be a new life, with a new epoch. */
void ingestor_send(void *arg, const struct str frames[WIRE_FRAMES])
{
    struct ingestor *ingestor = arg;
    ingestor->publishing.deposed = ingestor->publishing.deposed || !lease_hold(ingestor->lease);
    if (!ingestor->publishing.deposed) {
        ingestor->publishing.not_sent +=
            !outlet_send(ingestor->publishing.outlet, frames, WIRE_FRAMES);
    }
}

bool ingestor_may_publish(const struct ingestor *ingestor)
{
    return ingestor->phase == INGESTOR_LIVE && ingestor->source.up &&
           !ingestor->publishing.deposed && lease_valid(ingestor->lease);
}

struct publishing {
    struct ingestor *ingestor;
    struct moment now;
};

/* A tile of a source that cannot be read is not confirmed, and turns stale; one of all sources
 * lacks rows when any is missing. */
static bool is_missing(const struct ingestor *ingestor, const struct tile_config *tile)
{
    const uint64_t missing = ingestor->publishing.resuming ? 0 : ingestor->source.missing;
    return tile->source != NULL ? (missing >> tile->source->number & 1) != 0 : missing != 0;
}

static void publish_tile(void *arg, const struct fold_output *output)
{
    struct publishing *publishing = arg;
    if (is_missing(publishing->ingestor, output->config) && !output->removed) {
        return; /* it goes out once the source is read */
    }
    publisher_tile(publishing->ingestor->publisher, output, publishing->now);
    ingestor_alerts_see(publishing->ingestor, output, publishing->now);
}

void ingestor_flush(struct ingestor *ingestor, struct moment now)
{
    struct publishing publishing = {ingestor, now};
    fold_advance(ingestor->fold, now);
    fold_flush(ingestor->fold, now, publish_tile, &publishing);
    ingestor->publishing.as_of = now.wall;
    if (now.wall.us > ingestor->clock.reached.us) {
        ingestor->clock.reached = now.wall;
    }
}

struct sources_up ingestor_sources_up(const struct ingestor *ingestor)
{
    const struct config *config = ingestor->config;
    const size_t count = config_has_sources(config) ? config->source_count : 0;
    struct sources_up sources = {.count = 0};
    _Static_assert(CONFIG_SOURCES_MAX <= SOURCES_UP_MAX, "each has a name in heartbeats");
    _Static_assert(CONFIG_SOURCE_NAME_MAX <= SOURCES_UP_NAME_MAX, "which is whole");
    for (size_t i = 0; i < count; i++) {
        sources_up_add(&sources, str_of(config->sources[i].name),
                       ingestor->source.up && (ingestor->source.missing >> i & 1) == 0);
    }
    return sources;
}

static void send_heartbeat(struct ingestor *ingestor, struct moment now)
{
    const struct wire_clocks clocks = ingestor_clocks(ingestor, now.mono);
    const struct sources_up sources = ingestor_sources_up(ingestor);
    struct lag lag;
    mono_time known_at;
    publisher_set_clocks(ingestor->publisher, &clocks);
    reader_lag(ingestor->reader, &lag, &known_at);
    publisher_set_lag(ingestor->publisher, &lag);
    publisher_set_sources(ingestor->publisher, &sources);
    publisher_heartbeat(ingestor->publisher, ingestor->source.caught_up, now);
}

/* Of which sources rows are known to be gone, so that the tiles that were built lack them. */
static uint64_t rows_gone(const struct ingestor *ingestor)
{
    const struct ingestor_source *source = &ingestor->source;
    return source->state_lost || source->delivered < source->delivered_before ? UINT64_MAX
                                                                              : source->gone;
}

void ingestor_publish_all(struct ingestor *ingestor, struct moment now)
{
    const uint32_t mark = publisher_mark(ingestor->publisher);
    alert_book_mark(&ingestor->alerting.book);
    fold_republish(ingestor->fold);
    ingestor_flush(ingestor, now);
    if (ingestor->source.missing == 0) {
        publisher_sweep(ingestor->publisher, mark, now);
        alert_book_sweep(&ingestor->alerting.book, now.wall);
    }
}

void ingestor_go_live(struct ingestor *ingestor, struct moment now)
{
    struct ingestor_saving *saving = &ingestor->saving;
    saving->at_once = saving->at_once || ingestor->phase == INGESTOR_BUILDING;
    saving->rows_first_until = ingestor->phase == INGESTOR_RESUMING
                                   ? mono_add_ms(now.mono, ROWS_FIRST_MS)
                                   : (mono_time){0};
    if (ingestor->phase == INGESTOR_BUILDING) {
        fold_built(ingestor->fold, rows_gone(ingestor), now);
    }
    ingestor->publishing.resuming = ingestor->phase == INGESTOR_RESUMING;
    ingestor->phase = INGESTOR_LIVE;
    ingestor_publish_all(ingestor, now);
    ingestor->publishing.resuming = false;
    send_heartbeat(ingestor, now);
    log_info("ready component=ingestor publish=%s query=%s position=%s tiles=%zu",
             ingestor->config->ingestor.publish, ingestor->config->ingestor.query,
             publisher_position_text(ingestor->publisher),
             store_count(publisher_store(ingestor->publisher)));
    notify_status("ready");
}

static void log_silence(struct ingestor *ingestor)
{
    const bool silent = ingestor->phase == INGESTOR_LIVE && !lease_valid(ingestor->lease);
    if (silent && !ingestor->publishing.silent) {
        log_warn("the lease was not renewed for %d ms: publishing nothing until it is",
                 LEASE_VALID_MS);
    } else if (!silent && ingestor->publishing.silent) {
        log_info("the lease is renewed: publishing again");
    }
    ingestor->publishing.silent = silent;
}

int64_t ingestor_publish_due(struct ingestor *ingestor)
{
    const struct moment now = ingestor_now(ingestor);
    log_silence(ingestor);
    if (!ingestor_may_publish(ingestor)) {
        return (ingestor->phase == INGESTOR_LIVE ? SILENT_POLL_MS : HEARTBEAT_MS) * US_PER_MS;
    }
    ingestor_flush(ingestor, now);
    if (now.mono.us >= ingestor->publishing.heartbeat_at.us) {
        send_heartbeat(ingestor, now);
        ingestor->publishing.heartbeat_at = mono_add_ms(now.mono, HEARTBEAT_MS);
    }
    const int64_t alerts_us = ingestor_alerts_due(ingestor, now);
    const int64_t heartbeat_us = ingestor->publishing.heartbeat_at.us - now.mono.us;
    const int64_t fold_us = fold_wait_us(ingestor->fold, ingestor_now(ingestor));
    const int64_t sooner_us = fold_us < heartbeat_us ? fold_us : heartbeat_us;
    return alerts_us < sooner_us ? alerts_us : sooner_us;
}
