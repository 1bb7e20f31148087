/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/metrics.h"

#include <inttypes.h>

#include "common/codec/json.h"
#include "common/net/link.h"
#include "gateway/api/api.h"
#include "gateway/http/reply.h"
#include "gateway/http/server.h"

#define METRICS_STEPS 15000 /* The work that it is to write all this. */

struct sample {
    const char *name; /* Without "tilewire_gateway_". */
    const char *help;
    bool counter; /* False for a gauge. */
    uint64_t value;
};

static void put_samples(struct buf *out, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        const char *suffix = s->counter ? "_total" : "";
        buf_printf(out, "# HELP tilewire_gateway_%s%s %s\n# TYPE tilewire_gateway_%s%s %s\n",
                   s->name, suffix, s->help, s->name, suffix, s->counter ? "counter" : "gauge");
        buf_printf(out, "tilewire_gateway_%s%s %" PRIu64 "\n", s->name, suffix, s->value);
    }
}

static void put_streams(const struct api *api, struct buf *out)
{
    const struct streams_counters *c = streams_counters(api->streams);
    const struct sample samples[] = {
        {"streams", "Streams open now.", false, streams_count(api->streams)},
        {"channels", "Different selections that streams are open on.", false,
         streams_channels(api->streams)},
        {"channel_log_bytes", "The memory of channels' logs; quiet ones have none.", false,
         streams_log_bytes(api->streams)},
        {"channel_index_bytes", "The memory of what is kept of which channels want a name.", false,
         streams_index_bytes(api->streams)},
        {"streams_opened", "Streams opened.", true, c->opened},
        {"streams_closed", "Streams that their clients ended.", true, c->closed},
        {"streams_cut", "Streams cut because they accepted nothing.", true, c->cut},
        {"streams_vanished", "Streams whose clients acknowledged nothing any more.", true,
         c->vanished},
        {"streams_aged", "Streams ended because they reached max_stream_age.", true, c->aged},
        {"streams_expired", "Streams ended because their client's token expired.", true,
         c->expired},
        {"streams_refused", "Streams refused for want of room.", true, c->refused},
        {"frames", "Frames written to channels' logs.", true, c->frames},
        {"deliveries", "Frames due to streams.", true, c->deliveries},
        {"sends", "Calls of send().", true, c->sends},
        {"sent_bytes", "Bytes that sockets took.", true, c->bytes},
        {"streams_blocked", "Times that a socket took less than there was.", true, c->blocked},
        {"frames_unlogged", "Frames that no log had room for; streams get the newest instead.",
         true, c->unlogged},
        {"streams_conflated", "Times that a log ran away from a slow stream.", true, c->conflated},
        {"streams_reset", "Streams told to start over.", true, c->resets},
        {"streams_paused", "Streams that wait because their address is beyond its work.", false,
         streams_paused(api->streams)},
        {"streams_pauses", "Times that a stream began to wait for that.", true, c->paused},
        {"blocks_compressed", "Times that what a stream had not been sent yet was compressed.",
         true, c->packed},
        {"blocks_shared", "Times that another stream's compressed block served.", true,
         c->packed_shared},
        {"blocks_bytes", "The memory of compressed blocks that are kept for other streams.", false,
         streams_packed_bytes(api->streams)},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

static void put_websockets(const struct api *api, struct buf *out)
{
    const struct streams_counters *c = streams_counters(api->streams);
    const struct sample samples[] = {
        {"websockets", "Those of the streams open now that are WebSockets.", false,
         c->ws_opened - c->ws_ended},
        {"websockets_opened", "Streams opened that are WebSockets.", true, c->ws_opened},
        {"websocket_messages", "Messages of WebSockets' clients.", true, c->ws_messages},
        {"websocket_pings", "Pings sent to clients that were silent.", true, c->ws_pings},
        {"websockets_unanswered", "WebSockets cut because their clients stayed silent.", true,
         c->ws_unanswered},
        {"websockets_wrong_protocol", "WebSockets closed with 1002 or 1003: rules were broken.",
         true, c->ws_protocol_errors},
        {"websockets_bad_data", "WebSockets closed with 1007: what came was not UTF-8.", true,
         c->ws_bad_data},
        {"websockets_bad_request", "WebSockets closed with 1008: a message was wrong.", true,
         c->ws_bad_requests},
        {"websockets_too_fast", "WebSockets closed with 1008, or cut: too many frames came.", true,
         c->ws_too_fast},
        {"websockets_too_big", "WebSockets closed with 1009: a message was too big.", true,
         c->ws_too_big},
        {"websockets_no_room", "WebSockets closed with 1013: too many different subscriptions.",
         true, c->ws_no_room},
        {"websockets_in_debt", "WebSockets closed with 1013: their address is beyond its work.",
         true, c->ws_in_debt},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

static void put_http(const struct api *api, const struct http *http, struct buf *out)
{
    const struct http_counters *c = http_counters(http);
    const struct api_counters *a = &api->counters;
    const struct connections_counters *n = http_connection_counters(http);
    const struct sample samples[] = {
        {"requests", "Requests.", true, c->requests},
        {"not_modified", "Requests answered with 304.", true, c->not_modified},
        {"client_errors", "Requests answered with 4xx.", true, c->client_errors},
        {"requests_refused", "Requests refused by the rate limit.", true, a->refused_rate},
        {"requests_refused_work", "Requests refused because their address is beyond its work.",
         true, a->refused_work},
        {"requests_refused_patterns", "Requests whose patterns are too much work: 400.", true,
         a->refused_patterns},
        {"series_left_out", "Series of /metrics/tiles that an answer had no room for.", true,
         a->series_left_out},
        {"work_steps", "Work charged to addresses, in steps of at most 20 ns.", true,
         a->work_steps},
        {"requests_refused_host", "Requests under a name that is not of gateway.hosts.", true,
         a->refused_host},
        {"stream_requests_refused", "Requests for streams refused by a limit.", true,
         a->refused_streams},
        {"streams_refused_rate", "Those opened too fast by their address.", true,
         a->streams_too_fast},
        {"streams_refused_address", "Those of an address that has as many as it may.", true,
         a->streams_too_many},
        {"streams_refused_share", "Those of an address that has its share of the channels.", true,
         a->streams_share},
        {"streams_refused_full", "Those for which this gateway has no room.", true,
         a->streams_no_room},
        {"websockets_refused", "Handshakes of WebSockets that were wrong.", true, a->ws_refused},
        {"websockets_refused_origin", "Those from pages of other origins.", true,
         a->ws_origin_refused},
        {"requests_malformed", "Requests that are none of HTTP.", true, c->malformed},
        {"headers_refused", "Requests whose headers were too large.", true, c->header_too_large},
        {"answers_refused", "Answers that limits.answers had no room for.", true, c->no_memory},
        {"bodies_refused", "Requests whose body was too large.", true, c->too_large},
        {"connections", "Connections open now that are no streams.", false,
         http_connection_count(http)},
        {"connections_accepted", "Connections accepted.", true, n->accepted},
        {"connections_idle", "Connections ended because nothing was asked for long.", true,
         n->idle},
        {"connections_slow", "Connections ended because a request took too long.", true, n->slow},
        {"connections_stuck", "Connections ended because an answer was not taken.", true, n->stuck},
        {"connections_evicted", "Connections ended to make room for others.", true, n->evicted},
        {"pushed_events", "Events that were pushed here, and stored.", true, a->pushed_events},
        {"pushes_refused", "Pushes that were malformed, or not allowed.", true, a->pushes_refused},
        {"pushes_refused_origin", "Those from pages of other origins.", true,
         a->push_origin_refused},
        {"pushes_unreachable", "Pushes while no ingestor could be reached: 503.", true,
         a->pushes_away},
        {"pushes_unanswered", "Pushes to which the ingestor gave no answer in time: 503.", true,
         a->pushes_unknown},
        {"clients", "Client addresses and subjects remembered.", false,
         clients_count(api->clients)},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

/* Zeros where nobody is asked who they are, so that a query finds them in any case. */
static void put_auth(const struct api *api, struct buf *out)
{
    struct auth *auth = api->auth;
    const struct auth_counters nothing = {0};
    const struct auth_counters *c = auth != NULL ? auth_counters(auth) : &nothing;
    const struct sample samples[] = {
        {"credentials_known", "Requests with credentials that were checked before.", true,
         c->known},
        {"credentials_checked", "Credentials that were checked and found good.", true, c->checked},
        {"credentials_refused", "Credentials that were refused.", true, c->refused},
        {"credentials_missing", "Requests without credentials, where they are asked for.", true,
         c->missing},
        {"identities", "Identities remembered.", false, auth != NULL ? auth_known(auth) : 0},
        {"identities_bytes", "The bytes that these take.", false,
         auth != NULL ? auth_known_bytes(auth) : 0},
        {"issuer_keys", "Public keys of the issuers.", false, auth != NULL ? auth_keys(auth) : 0},
        {"audit_lines", "Lines about who was given what.", true, api->audit.lines},
        {"audit_lines_left_out", "Those that their rate had no room for.", true,
         api->audit.left_out},
        {"auth_file_failures", "Times that changed keys or a secret could not be used.", true,
         auth != NULL ? auth_file_failures(auth) : 0},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

static void put_waiting(const struct api *api, struct buf *out)
{
    const struct waiting_counters *c = waiting_counters(api->waiting);
    const struct sample samples[] = {
        {"waiting", "Requests that wait for news now.", false, waiting_count(api->waiting)},
        {"waits", "Times that a request began to wait.", true, c->begun},
        {"waits_changed", "Waits ended by a change.", true, c->changed},
        {"waits_over", "Waits ended by their time.", true, c->over},
        {"waits_abandoned", "Waits whose client went away.", true, c->gone},
        {"waits_ahead", "Waits to resume after an event that had not come here yet.", true,
         c->ahead},
        {"waits_refused", "Requests that were not let wait, by a limit.", true, c->refused},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

/* A gauge in seconds; NaN when it is not known. */
static void put_seconds(struct buf *out, const char *name, const char *help, bool known, int64_t us)
{
    buf_printf(out,
               "# HELP tilewire_gateway_%s_seconds %s\n# TYPE tilewire_gateway_%s_seconds gauge\n"
               "tilewire_gateway_%s_seconds ",
               name, help, name, name);
    if (known) {
        buf_printf(out, "%.6f\n", (double)us / (double)US_PER_S);
    } else {
        buf_append_text(out, "NaN\n");
    }
}

/* A gauge; NaN when it is not known. */
static void put_count(struct buf *out, const char *name, const char *help, bool known,
                      uint64_t count)
{
    buf_printf(out, "# HELP tilewire_gateway_%s %s\n# TYPE tilewire_gateway_%s gauge\n", name, help,
               name);
    if (known) {
        buf_printf(out, "tilewire_gateway_%s %" PRIu64 "\n", name, count);
    } else {
        buf_printf(out, "tilewire_gateway_%s NaN\n", name);
    }
}

static void put_lag(const struct api *api, struct buf *out)
{
    const int64_t lag_us = clock_wall().us - api_as_of(api).us;
    const bool known = replica_ready(api->replica) && lag_us > 0;
    put_seconds(out, "upstream_lag", "Age of the newest beat.", true, known ? lag_us : 0);
}

/* While the source is not read, no heartbeat says how far it is. */
static void put_source_lag(const struct api *api, struct buf *out)
{
    const struct lag *lag = replica_lag(api->replica);
    const bool known = lag->known && replica_fresh(api->replica, api->turn->now, NULL);
    put_count(out, "source_lag", "Messages of the source that were not read yet.", known,
              lag->messages);
    put_count(out, "source_lag_partitions", "Its partitions that have some.", known, lag->behind);
    put_count(out, "source_topics_missing", "Topics that are named and not there.", known,
              lag->missing);
    buf_append_text(out, "# HELP tilewire_gateway_partition_lag Messages not read yet, of the "
                         "partitions that are furthest behind.\n"
                         "# TYPE tilewire_gateway_partition_lag gauge\n");
    for (unsigned i = 0; known && i < lag->count; i++) {
        buf_append_text(out, "tilewire_gateway_partition_lag{partition=");
        json_write_string(out, str_of(lag->worst[i].name)); /* escapes as Prometheus does */
        buf_printf(out, "} %" PRIu64 "\n", lag->worst[i].messages);
    }
}

static void put_sources_up(const struct api *api, struct buf *out)
{
    const struct sources_up *sources = replica_sources(api->replica);
    const bool known = replica_fresh(api->replica, api->turn->now, NULL);
    buf_append_text(out,
                    "# HELP tilewire_gateway_source_up 1 while the source is read, of several.\n"
                    "# TYPE tilewire_gateway_source_up gauge\n");
    for (unsigned i = 0; known && i < sources->count; i++) {
        buf_append_text(out, "tilewire_gateway_source_up{source=");
        json_write_string(out, str_of(sources->list[i].name));
        buf_printf(out, "} %d\n", sources->list[i].up);
    }
}

static void put_clocks(const struct api *api, struct buf *out)
{
    const struct wire_clocks *c = replica_clocks(api->replica);
    const struct sample samples[] = {
        {"ingestor_clock_steps", "Jumps of the ingestor's wall clock.", true, c->steps},
        {"ingestor_clock_held", "1 while such a jump is not believed.", false, c->held},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
    put_seconds(out, "database_clock_ahead", "The database's clock less the ingestor's.",
                c->database_known, c->database_ahead_us);
    put_seconds(out, "rows_ahead",
                "How far a row of the last minutes was ahead of the ingestor's clock, at most.",
                true, c->rows_ahead_us);
    put_seconds(out, "row_age", "Median of the newest rows' ages when the ingestor read them.",
                c->rows_known, c->row_age_us);
}

static void put_replica(const struct api *api, struct buf *out)
{
    const struct replica_counters *c = replica_counters(api->replica);
    const struct sample samples[] = {
        {"ready", "1 when in sync with upstream and hearing from it.", false,
         replica_fresh(api->replica, api->turn->now, NULL)},
        {"tiles", "Tiles held.", false, store_count(api->store)},
        {"events", "Raw events held.", false, eventlog_count(api->events)},
        {"deltas", "Deltas applied.", true, c->deltas},
        {"events_received", "Raw events applied.", true, c->events},
        {"duplicates", "Messages that another upstream had sent first.", true, c->duplicates},
        {"outdated", "Messages of an epoch that is over.", true, c->outdated},
        {"malformed", "Messages that could not be read.", true, c->malformed},
        {"tiles_refused", "Tiles beyond limits.tiles.", true, c->refused},
        {"tiles_of_two_lanes", "Deltas of a tile that another lane has.", true,
         store_moved(api->store)},
        {"gaps", "Gaps in a lane's sequence.", true, c->gaps},
        {"gaps_healed", "Gaps that another upstream closed.", true, c->healed},
        {"snapshots", "Snapshots taken.", true, c->snapshots},
        {"snapshot_retries", "Snapshots that had to be asked for again.", true, c->retries},
        {"event_resets", "Times that raw events were lost or renumbered.", true, c->event_resets},
        {"upstream_connections_renewed", "Connections to upstreams that were silent.", true,
         link_renewals(api->link)},
    };
    put_samples(out, samples, sizeof samples / sizeof *samples);
}

enum MHD_Result api_metrics(struct request *request)
{
    const struct api *api = api_of(request);
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};
    struct buf body = {0};
    put_streams(api, &body);
    put_websockets(api, &body);
    put_http(api, api->http, &body);
    request->steps += METRICS_STEPS;
    put_auth(api, &body);
    put_waiting(api, &body);
    put_replica(api, &body);
    put_lag(api, &body);
    put_source_lag(api, &body);
    put_sources_up(api, &body);
    put_clocks(api, &body);
    latency_put(api->latency, &body);
    const enum MHD_Result result = reply_body(
        request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", buf_str(&body), headers);
    buf_free(&body);
    return result;
}

enum MHD_Result api_public_metrics(struct request *request)
{
    return api_of(request)->admin ? reply_problem(request, MHD_HTTP_NOT_FOUND,
                                                  "Metrics are told at the address for operators, "
                                                  "gateway.admin_listen.",
                                                  0)
                                  : api_metrics(request);
}
