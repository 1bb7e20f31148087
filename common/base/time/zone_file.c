/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a file of a time zone, as RFC 8536 describes it:
 *
 *   header, data with times of 32 bits      all that version 1 has; later ones are passed over it
 *   header, data with times of 64 bits      since version 2
 *   \n CET-1CEST,M3.5.0,M10.5.0/3 \n        and the rule that holds after the last transition
 */
#include <string.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone_spans.h"

#define HEADER_LEN 44
#define TYPES_MAX 256
#define YEARS_PAST (ZONE_CYCLE_YEARS + 2) /* that a rule is written out for */
#define YEAR_MAX 3000                     /* of a last transition */

struct bytes {
    const unsigned char *p;
    size_t len;
};

struct header {
    int version;
    size_t ut_count;
    size_t standard_count;
    size_t leap_count;
    size_t time_count;
    size_t type_count;
    size_t name_bytes;
};

/* What is being made. `spans` has room for all that can come. */
struct making {
    struct zone_span *spans;
    size_t count;
};

static int64_t big_endian(const unsigned char *p, size_t size)
{
    uint64_t value = p[0] >= 0x80 ? UINT64_MAX : 0; /* a negative number goes on with ones */
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | p[i];
    }
    return (int64_t)value;
}

/* The first `len` bytes of what is left, which are taken from it; NULL when there are fewer. */
static const unsigned char *take(struct bytes *in, size_t len)
{
    if (in->len < len) {
        return NULL;
    }
    const unsigned char *p = in->p;
    in->p += len;
    in->len -= len;
    return p;
}

static bool take_header(struct bytes *in, struct header *out)
{
    const unsigned char *p = take(in, HEADER_LEN);
    if (p == NULL || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) {
        counts[i] = (size_t)(uint32_t)big_endian(p + 20 + 4 * i, 4);
        if (counts[i] > 65536) {
            return false;
        }
    }
    *out = (struct header){p[4], counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    return true;
}

/* Bytes of the data behind a header, whose times have that size. */
static size_t data_len(const struct header *h, size_t time_size)
{
    return h->time_count * (time_size + 1) + h->type_count * 6 + h->name_bytes +
           h->leap_count * (time_size + 4) + h->standard_count + h->ut_count;
}

/* Spans with the same offset become one. One that begins with the span before takes its place. */
static void add_span(struct making *m, int64_t from_us, int64_t offset_us)
{
    if (m->count != 0 && m->spans[m->count - 1].from_us >= from_us) {
        m->count--;
    }
    if (m->count == 0 || m->spans[m->count - 1].offset_us != offset_us) {
        m->spans[m->count++] = (struct zone_span){from_us, offset_us};
    }
}

/* Takes the transitions of the data. The offset that holds first is that of type 0. */
static bool take_transitions(struct bytes *in, const struct header *h, size_t time_size,
                             struct making *m, int64_t *last_s)
{
    struct bytes data = {take(in, data_len(h, time_size)), data_len(h, time_size)};
    if (data.p == NULL || h->type_count == 0 || h->type_count > TYPES_MAX || h->leap_count != 0) {
        return false;
    }
    const unsigned char *times = take(&data, h->time_count * time_size);
    const unsigned char *types = take(&data, h->time_count);
    const unsigned char *offsets = take(&data, h->type_count * 6);
    *last_s = INT64_MIN;
    for (size_t i = 0; i <= h->time_count; i++) { /* the first is the time before all */
        const size_t type = i == 0 ? 0 : types[i - 1];
        const int64_t at_s =
            i == 0 ? INT64_MIN : big_endian(times + (i - 1) * time_size, time_size);
        const int64_t offset_us =
            type < h->type_count ? big_endian(offsets + 6 * type, 4) * US_PER_S : INT64_MAX;
        if (offset_us > ZONE_OFFSET_MAX_US || offset_us < -ZONE_OFFSET_MAX_US ||
            (i != 0 && (at_s <= *last_s || at_s > INT64_MAX / 2 / US_PER_S))) {
            return false;
        }
        /* Some files begin with the Big Bang, which µs do not reach. */
        const bool ancient = at_s < INT64_MIN / 2 / US_PER_S;
        add_span(m, ancient ? INT64_MIN : at_s * US_PER_S, offset_us);
        *last_s = at_s;
    }
    return true;
}

/* ---- The rule at the end, as POSIX writes the variable TZ ---- */

/* A day of each year: Mm.w.d, Jn or n. */
struct rule_day {
    char kind; /* 'M'; 'J': 1 to 365, without 29 February; '0': 0 to 365 */
    int month; /* 1 to 12 */
    int week;  /* 1 to 5; 5 is the last */
    int day;   /* 0 to 6 from Sunday on; or the day of the year */
    int64_t time_s;
};

struct rule {
    int64_t standard_s; /* offsets: local time less UTC */
    int64_t summer_s;
    bool changes; /* True when there is a summer time; else only standard_s means something. */
    struct rule_day begins;
    struct rule_day ends;
};

static bool skip_char(struct bytes *in, char c)
{
    const bool there = in->len != 0 && in->p[0] == (unsigned char)c;
    in->p += there;
    in->len -= there;
    return there;
}

static bool take_number(struct bytes *in, int max, int *out)
{
    int value = 0;
    size_t digits = 0;
    for (; in->len != 0 && in->p[0] >= '0' && in->p[0] <= '9' && digits < 4; digits++) {
        value = value * 10 + (*take(in, 1) - '0');
    }
    *out = value;
    return digits != 0 && value <= max;
}

/* Reads [+-]hh[:mm[:ss]] as seconds. */
static bool take_hours(struct bytes *in, int hours_max, int64_t *out)
{
    int parts[3] = {0, 0, 0};
    const bool negative = skip_char(in, '-');
    if (!negative) {
        (void)skip_char(in, '+');
    }
    if (!take_number(in, hours_max, &parts[0])) {
        return false;
    }
    for (size_t i = 1; i < 3 && skip_char(in, ':'); i++) {
        if (!take_number(in, 59, &parts[i])) {
            return false;
        }
    }
    *out = (negative ? -1 : 1) * (parts[0] * INT64_C(3600) + parts[1] * INT64_C(60) + parts[2]);
    return true;
}

/* Passes over a name: letters, or anything in <>. */
static bool skip_name(struct bytes *in)
{
    const bool quoted = skip_char(in, '<');
    const unsigned char *begin = in->p;
    while (in->len != 0 && (quoted ? in->p[0] != '>'
                                   : (in->p[0] >= 'A' && in->p[0] <= 'Z') ||
                                         (in->p[0] >= 'a' && in->p[0] <= 'z'))) {
        (void)take(in, 1);
    }
    return in->p != begin && (!quoted || skip_char(in, '>'));
}

static bool take_day(struct bytes *in, struct rule_day *out)
{
    *out = (struct rule_day){.kind = '0', .time_s = 7200};
    bool good;
    if (skip_char(in, 'M')) {
        out->kind = 'M';
        good = take_number(in, 12, &out->month) && out->month >= 1 && skip_char(in, '.') &&
               take_number(in, 5, &out->week) && out->week >= 1 && skip_char(in, '.') &&
               take_number(in, 6, &out->day);
    } else if (skip_char(in, 'J')) {
        out->kind = 'J';
        good = take_number(in, 365, &out->day) && out->day >= 1;
    } else {
        good = take_number(in, 365, &out->day);
    }
    return good && (!skip_char(in, '/') || take_hours(in, 167, &out->time_s));
}

static bool take_rule(struct bytes *in, struct rule *out)
{
    *out = (struct rule){0};
    if (!skip_name(in) || !take_hours(in, 24, &out->standard_s)) {
        return false;
    }
    out->standard_s = -out->standard_s; /* POSIX counts to the west */
    if (in->len == 0) {
        return true;
    }
    out->changes = true;
    out->summer_s = out->standard_s + 3600;
    if (!skip_name(in)) {
        return false;
    }
    if (in->len != 0 && in->p[0] != ',') {
        if (!take_hours(in, 24, &out->summer_s)) {
            return false;
        }
        out->summer_s = -out->summer_s;
    }
    return skip_char(in, ',') && take_day(in, &out->begins) && skip_char(in, ',') &&
           take_day(in, &out->ends) && in->len == 0;
}

/* Days since 1970 of a rule's day in a year. */
static int64_t day_in_year(const struct rule_day *rule, int64_t year)
{
    const int64_t new_year = civil_days(year, 1, 1);
    if (rule->kind != 'M') {
        const bool leap = civil_days(year, 3, 1) - new_year == 60;
        const bool passed_leap_day = rule->kind == 'J' && leap && rule->day >= 60;
        return new_year + rule->day - (rule->kind == 'J') + passed_leap_day;
    }
    const int64_t first = civil_days(year, rule->month, 1);
    const int64_t next =
        rule->month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, rule->month + 1, 1);
    const int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
    int64_t day = first + (rule->day - weekday + 7) % 7 + INT64_C(7) * (rule->week - 1);
    while (day >= next) {
        day -= 7;
    }
    return day;
}

/* Writes the rule out: the transitions after the last one that the file has. */
static bool add_years(struct making *m, const struct rule *rule, int64_t last_s, int64_t *limit_us)
{
    int64_t year = 1970;
    if (!rule->changes) {
        if (last_s != INT64_MIN &&
            m->spans[m->count - 1].offset_us != rule->standard_s * US_PER_S) {
            return false; /* RFC 8536: it goes on as the last transition says */
        }
        return true;
    }
    if (last_s > 0) {
        int month;
        int day;
        civil_date(last_s / 86400, &year, &month, &day);
    }
    if (year > YEAR_MAX) {
        return false;
    }
    for (int64_t y = year - 1; y < year + YEARS_PAST; y++) {
        const int64_t begins_s =
            day_in_year(&rule->begins, y) * 86400 + rule->begins.time_s - rule->standard_s;
        const int64_t ends_s =
            day_in_year(&rule->ends, y) * 86400 + rule->ends.time_s - rule->summer_s;
        const bool summer_first = begins_s < ends_s;
        const int64_t at_s[] = {summer_first ? begins_s : ends_s, summer_first ? ends_s : begins_s};
        const int64_t offset_s[] = {summer_first ? rule->summer_s : rule->standard_s,
                                    summer_first ? rule->standard_s : rule->summer_s};
        for (size_t i = 0; i < 2; i++) {
            if (at_s[i] > last_s) {
                add_span(m, at_s[i] * US_PER_S, offset_s[i] * US_PER_S);
            }
        }
    }
    *limit_us = civil_days(year + ZONE_CYCLE_YEARS + 1, 1, 1) * US_PER_DAY;
    return true;
}

/* Reads "\nRULE\n". Without a rule, the last offset goes on for ever. */
static bool take_footer(struct bytes *in, struct making *m, int64_t last_s, int64_t *limit_us)
{
    const unsigned char *end =
        skip_char(in, '\n') && in->len != 0 ? memchr(in->p, '\n', in->len) : NULL;
    if (end == NULL) {
        return false;
    }
    struct bytes text = {in->p, (size_t)(end - in->p)};
    struct rule rule;
    return text.len == 0 || (take_rule(&text, &rule) && add_years(m, &rule, last_s, limit_us));
}

int zone_read(const unsigned char *data, size_t len, struct arena *memory, struct zone *out,
              struct error *err)
{
    struct bytes in = {data, len};
    struct header h;
    struct making m = {0};
    int64_t last_s;
    int64_t limit_us = INT64_MAX;
    bool good = take_header(&in, &h);
    const bool wide = good && h.version >= '2';
    if (wide) {
        good = take(&in, data_len(&h, 4)) != NULL && take_header(&in, &h);
    }
    if (good) {
        m.spans =
            arena_array(memory, h.time_count + 2 * ((size_t)YEARS_PAST + 1) + 1, sizeof *m.spans);
        good = take_transitions(&in, &h, wide ? 8 : 4, &m, &last_s) &&
               (!wide || take_footer(&in, &m, last_s, &limit_us));
    }
    if (!good) {
        return error_set(err, STATUS_INVALID,
                         "is no file of a time zone that can be used (RFC 8536, without leap "
                         "seconds)");
    }
    out->count = m.count;
    out->spans = m.spans;
    out->limit_us = limit_us;
    return STATUS_OK;
}
