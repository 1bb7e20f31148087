/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_query.h"

#include <stdio.h>

#include "common/config/partition.h"
#include "common/program/metrics.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/ingestor_alerts.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/ingestor_push.h"

void ingestor_describe(void *arg, struct query_state *out)
{
    struct ingestor *ingestor = arg;
    out->role = "ingestor";
    out->instance = ingestor->answering.instance;
    out->serving = ingestor->phase == INGESTOR_LIVE;
    out->reason = ingestor->answering.reason;
    out->lanes = partition_lane_count(ingestor->config);
    out->position = "0";
    out->as_of =
        ingestor_may_publish(ingestor) ? ingestor_now(ingestor).wall : ingestor->publishing.as_of;
    if (ingestor->publisher == NULL) {
        return;
    }
    out->lanes_owned = ingestor->config->ingestor.own_lanes;
    out->continues = ingestor->source.continues;
    out->accounted = ingestor->source.accounted;
    out->position = publisher_position_text(ingestor->publisher);
    for (unsigned i = 0; i < out->lanes; i++) {
        out->last[i] = publisher_last_version(ingestor->publisher, i);
    }
}

/* How long the longest missing id has been missing. */
static uint64_t pending_s(const struct ingestor *ingestor)
{
    const int64_t us = clock_wall().us - ingestor->source.pending_since.us;
    return ingestor->source.pending_ids != 0 && us > 0 ? (uint64_t)(us / US_PER_S) : 0;
}

/* Whole milliseconds, away from 0: what is uncertain by less than one is so by 1. */
static int64_t rounded_ms(int64_t us)
{
    return (us + (us < 0 ? 1 - US_PER_MS : US_PER_MS - 1)) / US_PER_MS;
}

/* The database's clock, and those that rows show, as far as they are known. */
static size_t put_clocks(const struct ingestor *ingestor, struct buf *out)
{
    const struct database_clock *database = &ingestor->clock.database;
    const struct wire_clocks clocks = ingestor_clocks(ingestor, clock_mono());
    size_t count = metrics_put_signed(out, "rows_ahead_ms", rounded_ms(clocks.rows_ahead_us));
    if (clocks.rows_known) {
        count += metrics_put_signed(out, "row_age_ms", clocks.row_age_us / US_PER_MS);
    }
    if (database->known) {
        count += metrics_put_signed(out, "database_clock_ahead_ms", database->ahead_us / US_PER_MS);
        count += metrics_put_signed(out, "database_clock_uncertain_ms",
                                    rounded_ms(database->uncertain_us));
    }
    return count;
}

/* How far a source of several streams is behind, by name for those that are furthest. */
static size_t put_source_lag(const struct ingestor *ingestor, struct buf *out)
{
    struct lag lag = {0};
    mono_time known_at;
    if (ingestor->reader != NULL) {
        reader_lag(ingestor->reader, &lag, &known_at);
    }
    if (!lag.known) {
        return 0;
    }
    const struct metric metrics[] = {
        {"source_lag", lag.messages},
        {"source_lag_partitions", lag.behind},
        {"source_topics_missing", lag.missing},
        {"source_lag_age_ms", (uint64_t)((clock_mono().us - known_at.us) / US_PER_MS)},
    };
    for (unsigned i = 0; i < lag.count; i++) {
        char name[sizeof "source_lag." + LAG_NAME_MAX];
        (void)snprintf(name, sizeof name, "source_lag.%s", lag.worst[i].name);
        mp_put_text(out, name);
        mp_put_uint(out, lag.worst[i].messages);
    }
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics) + lag.count;
}

static size_t put_sources_up(const struct ingestor *ingestor, struct buf *out)
{
    const struct sources_up sources = ingestor_sources_up(ingestor);
    for (unsigned i = 0; i < sources.count; i++) {
        char name[sizeof "source_up." + SOURCES_UP_NAME_MAX];
        (void)snprintf(name, sizeof name, "source_up.%s", sources.list[i].name);
        mp_put_text(out, name);
        mp_put_uint(out, sources.list[i].up);
    }
    return sources.count;
}

/* Of those who ask. */
static size_t put_answering(const struct ingestor *ingestor, struct buf *out)
{
    const struct metric metrics[] = {
        {"listening", listeners_listen(ingestor->answering.listeners)},
        {"listening_pauses", listeners_pauses(ingestor->answering.listeners)},
        {"clients_admitted", guard_counters(ingestor->answering.guard)->admitted},
        {"clients_refused", guard_counters(ingestor->answering.guard)->refused},
        {"clients_without_key", guard_counters(ingestor->answering.guard)->broken},
        {"queries_answered", ingestor->answering.query.answered},
        {"queries_refused", ingestor->answering.query.refused},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics);
}

size_t ingestor_stats(void *arg, struct buf *out)
{
    struct ingestor *ingestor = arg;
    static const struct fold_counters none;
    static const struct publisher_counters nothing;
    const struct fold_counters *f = ingestor->fold != NULL ? fold_counters(ingestor->fold) : &none;
    const struct publisher_counters *p =
        ingestor->publisher != NULL ? publisher_counters(ingestor->publisher) : &nothing;
    const struct dedupe_counters dedupe = dedupe_counters(ingestor->dedupe);
    const struct metric metrics[] = {
        {"position", ingestor->source.ordinal},
        {"epoch", ingestor->publishing.epoch},
        {"lease_valid", lease_valid(ingestor->lease)},
        {"source_up", ingestor->source.up},
        {"source_failures", ingestor->source.downs},
        {"events_folded", f->events},
        {"rows_unusable", ingestor->source.rows_unusable},
        {"events_duplicate", dedupe.duplicates},
        {"event_ids_known", dedupe.known},
        {"event_ids_forgotten", dedupe.cut},
        {"ids_pending", ingestor->source.pending_ids},
        {"ids_pending_for_s", pending_s(ingestor)},
        {"id_ranges_given_up", ingestor->source.given_up},
        {"payloads_unusable", f->bad_payloads},
        {"fields_unusable", f->bad_fields},
        {"groups_refused", f->groups_refused},
        {"items_refused", f->items_refused},
        {"pauses_dropped", f->pauses_dropped},
        {"future_rows_waiting", ingestor->fold != NULL ? fold_waiting(ingestor->fold) : 0},
        {"future_rows_dropped", f->future_dropped},
        {"future_rows_put_off", ingestor->fold != NULL ? fold_put_off_rows(ingestor->fold) : 0},
        {"future_rows_reading", fold_put_off_reading(ingestor->fold) != NULL},
        {"retired_tiles_dropped", f->retired_dropped},
        {"clock_steps", ingestor->clock.steps.steps},
        {"clock_held", ingestor->clock.steps.held},
        {"rows_ahead", ingestor->clock.rows.ahead},
        {"deltas_published", p->deltas},
        {"keyframes_published", p->keyframes},
        {"unchanged_tiles", p->unchanged},
        {"events_published", p->events},
        {"events_truncated", p->events_cut},
        {"tiles_truncated", p->tiles_cut},
        {"messages_not_sent", ingestor->publishing.not_sent},
        {"checkpoints_written", ingestor->saving.written},
        {"checkpoint_position", ingestor->saving.saved_ordinal},
        {"checkpoint_failures", ingestor->saving.failures},
        {"checkpoint_bytes", ingestor->saving.bytes},
        {"states_lost", ingestor->saving.lost + ingestor->source.state_lost},
        {"tiles_building", ingestor->fold != NULL ? fold_builds(ingestor->fold) : 0},
        {"table_restarts", ingestor->source.restarts},
    };
    return metrics_put(out, metrics, sizeof metrics / sizeof *metrics) +
           put_answering(ingestor, out) + put_clocks(ingestor, out) +
           put_source_lag(ingestor, out) + put_sources_up(ingestor, out) +
           ingestor_push_stats(ingestor, out) + ingestor_alerts_stats(ingestor, out);
}
