/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/time/zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/time/zone_spans.h"

#define FILE_MAX ((size_t)256 * 1024) /* bytes; the largest of Debian's has 4 KiB */
#define DEFAULT_FOLDER "/usr/share/zoneinfo"

/* ---- Loading ---- */

static bool name_is_valid(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_/.";
    return *name != '\0' && *name != '/' && strlen(name) <= 255 &&
           strspn(name, letters) == strlen(name) && strstr(name, "..") == NULL;
}

/* Reads a file, or its first bytes when it is too large. False when it cannot be read. */
static bool read_file(const char *folder, const char *name, struct buf *out)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    const int fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC);
    buf_free(&path);
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0 && out->len <= FILE_MAX) {
        got = read(fd, buf_reserve(out, 8192), 8192);
        out->len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return got >= 0;
}

static int unknown(const char *folder, const char *name, struct error *err)
{
    struct buf utc = {0};
    const bool installed = read_file(folder, "UTC", &utc);
    buf_free(&utc);
    if (!installed) {
        return error_set(err, STATUS_NOT_FOUND,
                         "there is no database of time zones in %s; install the package tzdata",
                         folder);
    }
    return error_set(err, STATUS_NOT_FOUND,
                     "there is no time zone \"%s\"; write the name of one in %s, such as "
                     "Europe/Berlin",
                     name, folder);
}

int zone_load(const char *name, struct arena *memory, const struct zone **out, struct error *err)
{
    const char *set = getenv("TZDIR");
    const char *folder = set != NULL && *set != '\0' ? set : DEFAULT_FOLDER;
    struct buf data = {0};
    int status = STATUS_OK;
    /* Other files lie in the folder, too: those of a zone begin with TZif. */
    if (!name_is_valid(name) || !read_file(folder, name, &data) || data.len < 4 ||
        memcmp(data.data, "TZif", 4) != 0) {
        status = unknown(folder, name, err);
    }
    if (status == STATUS_OK) {
        struct zone *zone = arena_alloc(memory, sizeof *zone);
        zone->last = arena_alloc(memory, sizeof *zone->last);
        status = zone_read((const unsigned char *)data.data, data.len, memory, zone, err);
        *out = zone;
    }
    if (status == STATUS_INVALID) {
        (void)error_prefix(err, status, "%s/%s", folder, name);
    }
    buf_free(&data);
    return status;
}

/* ---- Looking up ---- */

static bool span_holds(const struct zone *zone, size_t i, int64_t us)
{
    return zone->spans[i].from_us <= us &&
           (i + 1 == zone->count || us < zone->spans[i + 1].from_us);
}

/* The span of an instant that lies in the table. Most instants lie in the same as the one before.
 */
static size_t find_span(const struct zone *zone, int64_t us)
{
    const size_t last = atomic_load_explicit(zone->last, memory_order_relaxed);
    if (span_holds(zone, last, us)) {
        return last;
    }
    size_t low = 0;
    size_t high = zone->count - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (zone->spans[middle].from_us <= us) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    atomic_store_explicit(zone->last, (unsigned)low, memory_order_relaxed);
    return low;
}

/* How far a time, of the zone or of UTC, is moved to the past so that it lies well in the table. */
static int64_t beyond(const struct zone *zone, int64_t us)
{
    const int64_t limit =
        zone->limit_us != INT64_MAX ? zone->limit_us - 2 * ZONE_OFFSET_MAX_US : INT64_MAX;
    return us < limit ? 0 : ((us - limit) / ZONE_CYCLE_US + 1) * ZONE_CYCLE_US;
}

int64_t zone_local_us(const struct zone *zone, int64_t us)
{
    if (zone == NULL) {
        return us;
    }
    return us + zone->spans[find_span(zone, us - beyond(zone, us))].offset_us;
}

/*
 * Spans are tried one after another, from one that cannot be later than the time. In each the time
 * comes at local - offset: behind the span's end, then the next is tried; in it; or, when it is
 * skipped between two spans, before its beginning.
 */
static int64_t find_instant(const struct zone *zone, int64_t local_us, bool first)
{
    if (zone == NULL) {
        return local_us;
    }
    const int64_t moved = beyond(zone, local_us);
    const int64_t local = local_us - moved;
    size_t i = find_span(zone, local - ZONE_OFFSET_MAX_US);
    while (i + 1 < zone->count && local - zone->spans[i].offset_us >= zone->spans[i + 1].from_us) {
        i++;
    }
    const struct zone_span *span = &zone->spans[i];
    int64_t us = local - span->offset_us;
    if (us < span->from_us) {
        us = first ? span->from_us : local - span[-1].offset_us;
    }
    return us + moved;
}

int64_t zone_instant_us(const struct zone *zone, int64_t local_us)
{
    return find_instant(zone, local_us, false);
}

int64_t zone_first_us(const struct zone *zone, int64_t local_us)
{
    return find_instant(zone, local_us, true);
}
