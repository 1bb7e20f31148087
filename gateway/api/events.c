/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fnv.h"
#include "gateway/api/api.h"
#include "gateway/api/cost.h"
#include "gateway/api/open_stream.h"
#include "gateway/api/visible.h"
#include "gateway/api/wait.h"
#include "gateway/http/reply.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/resume.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < min || number > max) {
        return false;
    }
    *out = number;
    return true;
}

struct listing {
    const struct selection *types;
    struct eventlog_entry *entries[LIMIT_MAX];
    size_t count;
    size_t limit;
    size_t bytes; /* Of the entries' JSON. */
    size_t max_bytes;
    size_t considered;
    bool full;
    bool costly; /* Its patterns are too much work. */
};

/* What the client sees of the event. */
static struct str seen(const struct listing *listing, struct eventlog_entry *entry)
{
    return render_event(entry, selection_lens(listing->types, entry->event_type)).json;
}

/* Adds an event, unless the answer would be too large; the first one is always taken. */
static void list(struct listing *out, struct eventlog_entry *entry)
{
    const size_t bytes = seen(out, entry).len + 1;
    if (out->count != 0 && out->bytes + bytes > out->max_bytes) {
        out->full = true;
        return;
    }
    out->bytes += bytes;
    out->entries[out->count++] = entry;
    out->full = out->count == out->limit;
}

/* Adds an event if it is selected. */
static void consider(struct listing *out, struct eventlog_entry *entry)
{
    out->considered++;
    if (selection_matches_numbered(out->types, entry->event_type, entry->type)) {
        list(out, entry);
    }
    out->costly = cost_too_high(out->types);
}

/* Lists the newest events, newest first. */
static void list_newest(const struct eventlog *events, struct listing *out)
{
    for (size_t i = eventlog_count(events); i != 0 && !out->full && !out->costly; i--) {
        consider(out, eventlog_at(events, i - 1));
    }
}

/* Lists the events that were delivered after one, oldest first. */
static void list_after(const struct eventlog *events, uint64_t ordinal, struct listing *out)
{
    const size_t count = eventlog_count(events);
    size_t i = eventlog_index_after(events, ordinal);
    for (; i < count && !out->full && !out->costly; i++) {
        consider(out, eventlog_at(events, i));
    }
}

/* Tells contents apart: rows that a database had lost may have given their ordinals to others. What
 * a client may not see of an event goes into no digest that it gets. */
static uint64_t digest_of(const struct listing *listing, struct eventlog_entry *entry)
{
    const struct selection *types = listing->types;
    return types->view == NULL
               ? fnv1a(FNV_BEGIN, blob_str(entry->fields))
               : fnv1a(fnv1a(FNV_BEGIN, view_text(types->view, VIEW_EVENTS)), seen(listing, entry));
}

/* Events do not change, so the last one and their number tell which these are. */
static void put_etag(const struct eventlog *events, const struct listing *listing,
                     char out[RENDER_ETAG_SIZE])
{
    const size_t n = listing->count;
    const uint64_t first = n != 0 ? listing->entries[0]->ordinal : 0;
    const uint64_t last = n != 0 ? listing->entries[n - 1]->ordinal : 0;
    struct eventlog_entry *newest = n == 0 ? NULL : listing->entries[first > last ? 0 : n - 1];
    const uint64_t digest = newest != NULL ? digest_of(listing, newest) : 0;
    snprintf(out, RENDER_ETAG_SIZE, "W/\"%" PRIx64 "-%" PRIx64 "-%zx-%" PRIx64 "\"",
             eventlog_origin(events), newest != NULL ? newest->ordinal : 0, n, digest);
}

static void put_events(const struct listing *listing, struct buf *out)
{
    buf_append_text(out, "{\"events\":[");
    for (size_t i = 0; i < listing->count; i++) {
        buf_append_text(out, i != 0 ? "," : "");
        buf_append_str(out, seen(listing, listing->entries[i]));
    }
    buf_append_text(out, "]}");
}

/* Takes the selection over. after: an ordinal; NULL for the newest events. */
static enum MHD_Result reply_list(struct request *request, struct selection *types,
                                  const uint64_t *after, size_t limit)
{
    const struct eventlog *events = api_of(request)->events;
    struct listing listing = {.types = types,
                              .limit = limit,
                              .max_bytes = api_of(request)->config->gateway.limits.answer_bytes};
    char etag[RENDER_ETAG_SIZE];
    char wait[WAIT_TEXT_SIZE];
    enum MHD_Result result;
    if (after != NULL) {
        list_after(events, *after, &listing);
    } else {
        list_newest(events, &listing);
    }
    request->steps += listing.considered + selection_steps(types);
    if (listing.costly) {
        selection_free(types);
        return cost_refuse(request);
    }
    put_etag(events, &listing, etag);
    const bool same = request_etag_matches(request, etag);
    if ((same || (after != NULL && listing.count == 0)) &&
        wait_for_change(request, WAITING_FOR_EVENTS, types, &result)) {
        return result;
    }
    const char *const headers[] = {
        "ETag", etag, "Cache-Control", "no-cache", wait_header(request, wait), wait, NULL};
    if (same) {
        selection_free(types);
        return reply_body(request, MHD_HTTP_NOT_MODIFIED, NULL, STR(""), headers);
    }
    struct buf body = {0};
    put_events(&listing, &body);
    result = reply_body(request, MHD_HTTP_OK, "application/json", buf_str(&body), headers);
    buf_free(&body);
    selection_free(types);
    return result;
}

enum MHD_Result api_events_list(struct request *request)
{
    const struct api *api = api_of(request);
    const char *after = request_parameter(request, "after");
    const char *limit_text = request_parameter(request, "limit");
    struct selection types;
    int64_t limit = LIMIT_DEFAULT;
    struct event_id id = {0};
    enum MHD_Result result;
    if (!wait_parse(request, &result)) {
        return result;
    }
    if (limit_text != NULL && !parse_number(limit_text, 1, LIMIT_MAX, &limit)) {
        return reply_problem(request, MHD_HTTP_BAD_REQUEST, "`limit` is a number from 1 to 1000.",
                             0);
    }
    if (after != NULL && !eventlog_read_id(api->events, str_of(after), &id)) {
        return reply_problem(request, MHD_HTTP_BAD_REQUEST, "`after` is the id of an event.", 0);
    }
    if (!replica_ready(api->replica)) {
        return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                             "This gateway has no events yet: it is not in sync with its upstream.",
                             1);
    }
    uint64_t ordinal;
    if (!visible_selection(request, VIEW_EVENTS, &types, &result)) {
        return result;
    }
    if (after != NULL && !resume_after(api->events, request->view, id, &ordinal)) {
        selection_free(&types);
        if (wait_to_resume(request, id, &result)) {
            return result;
        }
        return reply_problem(request, MHD_HTTP_NOT_FOUND,
                             "The event with that id is not among those kept here; ask without "
                             "`after` for the newest ones.",
                             0);
    }
    return reply_list(request, &types, after != NULL ? &ordinal : NULL, (size_t)limit);
}

enum MHD_Result api_events_stream(struct request *request)
{
    const struct eventlog *events = api_of(request)->events;
    const char *last = request_header(request, "Last-Event-ID");
    struct stream_request stream = {.kind = CHANNEL_EVENTS, .after_ordinal = eventlog_last(events)};
    enum MHD_Result result;
    if (!visible_selection(request, VIEW_EVENTS, &stream.selection, &result)) {
        return result;
    }
    last = last != NULL ? last : request_parameter(request, "lastEventId");
    const char *name = request_parameter(request, "event");
    if (name != NULL && strcmp(name, "message") == 0) {
        stream.kind = CHANNEL_MESSAGES;
    } else if (name != NULL) {
        selection_free(&stream.selection);
        return reply_problem(request, MHD_HTTP_BAD_REQUEST,
                             "`event` can only be message: events come without their names then, "
                             "for EventSource hears only names that it was told.",
                             0);
    }
    if (last != NULL && last[0] != '\0') {
        struct event_id id;
        const bool read = eventlog_read_id(events, str_of(last), &id);
        const bool placed = read && resume_after(events, request->view, id, &stream.after_ordinal);
        if (!placed && read && wait_to_resume(request, id, &result)) {
            selection_free(&stream.selection);
            return result;
        }
        stream.reset = !placed; /* what came after it cannot be told */
    }
    return open_stream_sse(request, &stream);
}
