/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/time/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone.h"

wall_time clock_wall(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (wall_time){(int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000};
}

mono_time clock_mono(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (mono_time){(int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000};
}

static char *put_digits(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

/* The digits are put by hand, because this is done for each event on a stream, and snprintf would
 * take ten times as long. */
char *wall_format(wall_time t, char out[WALL_TEXT_SIZE])
{
    const int64_t day_ms = INT64_C(86400000);
    const int64_t min_ms = civil_days(0, 1, 1) * day_ms;
    const int64_t max_ms = civil_days(10000, 1, 1) * day_ms - 1;
    int64_t ms = civil_floor_div(t.us, US_PER_MS);
    ms = ms < min_ms ? min_ms : ms > max_ms ? max_ms : ms;
    const int64_t days = civil_floor_div(ms, day_ms);
    const int64_t rest = ms - days * day_ms;
    int64_t year;
    int month;
    int day;
    civil_date(days, &year, &month, &day);
    char *p = put_digits(out, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, rest / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, rest / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, rest / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, rest % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
    return out;
}

bool wall_has_text(wall_time t)
{
    return t.us >= civil_days(0, 1, 1) * US_PER_DAY && t.us < civil_days(10000, 1, 1) * US_PER_DAY;
}

/* True for a number whose digits are a date of the years 1900 to 2099, YYYYMMDD or YYYYDDD, and
 * perhaps a time behind it, HHMM, HHMMSS or HHMMSS and milliseconds. As a number since 1970 it
 * would lie in the first two months of 1970, in 1970, in 1976, or after the year 2500. */
static bool is_compact(int64_t number)
{
    static const int64_t year_units[] = {
        1000, 10000, 100000000, INT64_C(10000000000), INT64_C(10000000000000),
    };
    for (size_t i = 0; i < sizeof year_units / sizeof *year_units; i++) {
        if (number >= 1900 * year_units[i] && number < 2100 * year_units[i]) {
            return true;
        }
    }
    return false;
}

static bool parse_date_time(const char *text, size_t len, const struct zone *zone, wall_time *out);

static bool from_compact(int64_t number, const struct zone *zone, wall_time *out)
{
    char text[24];
    const int len = snprintf(text, sizeof text, "%lld", (long long)number);
    return parse_date_time(text, (size_t)len, zone, out);
}

bool wall_from_integer(int64_t number, const struct zone *zone, wall_time *out)
{
    if (is_compact(number)) {
        return from_compact(number, zone, out);
    }
    /* A number of seconds reaches 1e11 in the year 5138, and one of milliseconds has passed it
     * since 1973: so the magnitude tells the unit. */
    const uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
    wall_time t;
    if (size < UINT64_C(100000000000)) {
        t.us = number * US_PER_S;
    } else if (size < UINT64_C(100000000000000)) {
        t.us = number * US_PER_MS;
    } else if (size < UINT64_C(100000000000000000)) {
        t.us = number;
    } else {
        t.us = number / 1000;
    }
    if (!wall_has_text(t)) {
        return false;
    }
    *out = t;
    return true;
}

bool wall_from_number(double number, const struct zone *zone, wall_time *out)
{
    if (!isfinite(number) || fabs(number) >= 9e18) {
        return false;
    }
    const int64_t whole = (int64_t)number;
    if (fabs(number) >= 1e11 || is_compact(whole)) {
        /* Part of a day is not written in this way. */
        return (fabs(number) >= 1e11 || fabs(number - (double)whole) <= 0) &&
               wall_from_integer(whole, zone, out);
    }
    const wall_time t = {(int64_t)llround(number * 1e6)};
    if (!wall_has_text(t)) {
        return false;
    }
    *out = t;
    return true;
}

/* What is left to read of a text. */
struct scan {
    const char *p;
    const char *end;
};

static bool scan_digits(struct scan *s, int digits, int *out)
{
    if (s->end - s->p < digits) {
        return false;
    }
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') {
            return false;
        }
        value = value * 10 + (s->p[i] - '0');
    }
    s->p += digits;
    *out = value;
    return true;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c) {
        return false;
    }
    s->p++;
    return true;
}

/* Reads the digits after a decimal point as microseconds. Those beyond the sixth are dropped. */
static bool scan_fraction(struct scan *s, int64_t *us)
{
    int64_t value = 0;
    int digits = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++, digits++) {
        if (digits < 6) {
            value = value * 10 + (*s->p - '0');
        }
    }
    for (int i = digits; i < 6; i++) {
        value *= 10;
    }
    *us = value;
    return digits > 0;
}

/* Reads the rest of the text, which must be nothing, Z, UTC, GMT, or an offset of two to six digits
 * with or without colons, after any blanks. *local is set to whether it is nothing. */
static bool scan_zone(struct scan *s, int *offset_s, bool *local)
{
    *offset_s = 0;
    while (scan_char(s, ' ')) {
    }
    const size_t left = (size_t)(s->end - s->p);
    *local = left == 0;
    if (*local || (left == 1 && (*s->p == 'Z' || *s->p == 'z')) ||
        (left == 3 && (memcmp(s->p, "UTC", 3) == 0 || memcmp(s->p, "GMT", 3) == 0))) {
        return true;
    }
    const int sign = scan_char(s, '-') ? -1 : 1;
    int parts[3] = {0, 0, 0}; /* hours, minutes, seconds */
    if (sign > 0 && !scan_char(s, '+')) {
        return false;
    }
    bool colons = false;
    for (int i = 0; i < 3 && (i == 0 || s->p != s->end); i++) {
        const bool colon = i > 0 && scan_char(s, ':');
        colons = i == 1 ? colon : colons;
        if (colon != colons || !scan_digits(s, 2, &parts[i])) {
            return false;
        }
    }
    *offset_s = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return s->p == s->end && parts[0] < 24 && parts[1] < 60 && parts[2] < 60;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day of a year, counted from 1. */
static bool day_of_year(int year, int day, int64_t *days)
{
    *days = civil_days(year, 1, 1) + day - 1;
    return day >= 1 && day <= 365 + is_leap(year);
}

static bool day_of_month(int year, int month, int day, int64_t *days)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (month == 2 && is_leap(year))) {
        return false;
    }
    *days = civil_days(year, month, day);
    return true;
}

/* A day of a week of ISO 8601: day 1 is Monday, and week 1 the one with the year's first Thursday,
 * which is the one with 4 January. */
static bool day_of_week(int year, int week, int day, int64_t *days)
{
    const int64_t fourth = civil_days(year, 1, 4);
    const int64_t first_monday = fourth - ((fourth + 3) % 7 + 7) % 7; /* 1970 began on Thursday */
    const int64_t next_fourth = civil_days(year + 1, 1, 4);
    const int64_t next_monday = next_fourth - ((next_fourth + 3) % 7 + 7) % 7;
    *days = first_monday + (week - 1) * INT64_C(7) + day - 1;
    return week >= 1 && day >= 1 && day <= 7 && *days < next_monday;
}

/* How many digits come next. */
static size_t digits_ahead(const struct scan *s)
{
    size_t count = 0;
    while (s->p + count < s->end && s->p[count] >= '0' && s->p[count] <= '9') {
        count++;
    }
    return count;
}

/* Reads YYYY-MM-DD, YYYY-DDD, YYYY-Www-D, or the same without hyphens. */
static bool scan_date(struct scan *s, int64_t *days)
{
    int year;
    int a;
    int b;
    if (!scan_digits(s, 4, &year)) {
        return false;
    }
    const bool hyphens = scan_char(s, '-');
    if (scan_char(s, 'W')) {
        return scan_digits(s, 2, &a) && scan_char(s, '-') == hyphens && scan_digits(s, 1, &b) &&
               day_of_week(year, a, b, days);
    }
    if (digits_ahead(s) == 3) {
        return scan_digits(s, 3, &a) && day_of_year(year, a, days);
    }
    return scan_digits(s, 2, &a) && scan_char(s, '-') == hyphens && scan_digits(s, 2, &b) &&
           day_of_month(year, a, b, days);
}

/* Reads what may stand behind the second: a point or a comma with digits, or without colons also
 * three or six digits alone. */
static bool scan_second_fraction(struct scan *s, bool colons, int64_t *us)
{
    const size_t digits = digits_ahead(s);
    if (scan_char(s, '.') || scan_char(s, ',') || (!colons && (digits == 3 || digits == 6))) {
        return scan_fraction(s, us);
    }
    return true;
}

/* Reads HH:MM, HH:MM:SS, or the same without colons, and a fraction of the second. Hour 24 is the
 * end of the day. Second 60 is a leap second: time since 1970 does not count it, so that it becomes
 * second 0 of the next minute. */
static bool scan_time(struct scan *s, int64_t *us)
{
    int hour;
    int minute;
    int second = 0;
    int64_t fraction_us = 0;
    if (!scan_digits(s, 2, &hour)) {
        return false;
    }
    const bool colons = scan_char(s, ':');
    if (!scan_digits(s, 2, &minute)) {
        return false;
    }
    if ((colons ? scan_char(s, ':') : digits_ahead(s) != 0) &&
        (!scan_digits(s, 2, &second) || !scan_second_fraction(s, colons, &fraction_us))) {
        return false;
    }
    *us = (hour * INT64_C(3600) + minute * INT64_C(60) + second) * US_PER_S + fraction_us;
    return minute < 60 && second < 61 && (hour < 24 || *us == US_PER_DAY);
}

/* Reads a date of the years 1900 to 2099 without hyphens, and at once behind it perhaps a time
 * without colons. `digits` come next. Other years could be numbers since 1970. */
static bool scan_compact(struct scan *s, size_t digits, int64_t *days, int64_t *us)
{
    const size_t date_digits = digits == 7 ? 7 : 8;
    if (digits != 7 && digits != 8 && digits != 12 && digits != 14 && digits != 17 &&
        digits != 20) {
        return false;
    }
    if (memcmp(s->p, "19", 2) != 0 && memcmp(s->p, "20", 2) != 0) {
        return false;
    }
    struct scan date = {s->p, s->p + date_digits};
    s->p = date.end;
    return scan_date(&date, days) && (digits <= 8 || scan_time(s, us));
}

/* Two digits as a number, or one above all that a date or time has. */
static int two_digits(const char *p)
{
    const unsigned tens = (unsigned)(p[0] - '0');
    const unsigned ones = (unsigned)(p[1] - '0');
    return tens <= 9 && ones <= 9 ? (int)(tens * 10 + ones) : 100;
}

/*
 * Reads YYYY-MM-DDTHH:MM:SS and a fraction, or the same with a blank. Nearly all rows have their
 * time in this form, and the general way takes three times as long. False, with s where it was, for
 * everything else, and for what is wrong or needs a second look, such as a leap second.
 */
static bool scan_usual(struct scan *s, int64_t *days, int64_t *us)
{
    const char *p = s->p;
    if (s->end - p < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
        p[13] != ':' || p[16] != ':') {
        return false;
    }
    const int century = two_digits(p);
    const int year = two_digits(p + 2);
    const int hour = two_digits(p + 11);
    const int minute = two_digits(p + 14);
    const int second = two_digits(p + 17);
    if (century > 99 || year > 99 || hour > 23 || minute > 59 || second > 59 ||
        !day_of_month(century * 100 + year, two_digits(p + 5), two_digits(p + 8), days)) {
        return false;
    }
    struct scan behind = {p + 19, s->end};
    int64_t fraction_us = 0;
    if ((scan_char(&behind, '.') || scan_char(&behind, ',')) &&
        !scan_fraction(&behind, &fraction_us)) {
        return false;
    }
    *us = (hour * INT64_C(3600) + minute * INT64_C(60) + second) * US_PER_S + fraction_us;
    s->p = behind.p;
    return true;
}

/* The same in any form. *timed is set to whether a time stands behind the date. */
static bool scan_any(struct scan *s, int64_t *days, int64_t *us, bool *timed)
{
    const size_t digits = digits_ahead(s);
    const int behind = s->p + digits < s->end ? s->p[digits] : '\0';
    if (digits > 8 ||
        (behind != '-' && behind != 'W' && behind != 'T' && behind != 't' && behind != ' ')) {
        *timed = digits > 8;
        return scan_compact(s, digits, days, us);
    }
    if (!scan_date(s, days)) {
        return false;
    }
    *timed = s->p != s->end;
    return !*timed ||
           ((scan_char(s, 'T') || scan_char(s, 't') || scan_char(s, ' ')) && scan_time(s, us));
}

static bool parse_date_time(const char *text, size_t len, const struct zone *zone, wall_time *out)
{
    struct scan s = {text, text + len};
    int64_t days;
    int64_t us = 0;
    int offset_s = 0;
    bool local = true;
    bool timed = true;
    if (!scan_usual(&s, &days, &us) && !scan_any(&s, &days, &us, &timed)) {
        return false;
    }
    if (timed ? !scan_zone(&s, &offset_s, &local) : s.p != s.end) {
        return false;
    }
    us += days * US_PER_DAY - offset_s * US_PER_S;
    const wall_time t = {local && zone != NULL ? zone_instant_us(zone, us) : us};
    if (!wall_has_text(t)) {
        return false;
    }
    *out = t;
    return true;
}

static bool parse_number(struct scan s, const struct zone *zone, wall_time *out)
{
    const bool negative = scan_char(&s, '-');
    const char *digits = s.p;
    int64_t whole = 0;
    for (; s.p < s.end && *s.p >= '0' && *s.p <= '9'; s.p++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *s.p - '0', &whole)) {
            return false;
        }
    }
    if (s.p == digits) {
        return false;
    }
    int64_t fraction_us = 0;
    if (scan_char(&s, '.') &&
        (!scan_fraction(&s, &fraction_us) || (!negative && is_compact(whole)))) {
        return false;
    }
    if (*digits == '0' && is_compact(whole)) {
        return false;
    }
    wall_time t;
    if (s.p != s.end || !wall_from_integer(negative ? -whole : whole, zone, &t)) {
        return false;
    }
    if (whole < INT64_C(100000000000)) {
        t.us += negative ? -fraction_us : fraction_us;
    }
    *out = t;
    return true;
}

bool wall_parse(const char *text, size_t len, const struct zone *zone, wall_time *out)
{
    struct scan s = {text, text + len};
    while (s.p < s.end && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n')) {
        s.p++;
    }
    while (s.end > s.p && (s.end[-1] == ' ' || s.end[-1] == '\t' || s.end[-1] == '\n')) {
        s.end--;
    }
    return parse_date_time(s.p, (size_t)(s.end - s.p), zone, out) || parse_number(s, zone, out);
}
