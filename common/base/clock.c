/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

/*
 * Days since 1970-01-01 of a proleptic Gregorian date, and back. After Howard Hinnant, "chrono-
 * Compatible Low-Level Date Algorithms" (https://howardhinnant.github.io/date_algorithms.html).
 * Years are counted from March, so that the leap day is the last of its year; an era is 400 of
 * them, and has 146,097 days.
 */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
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
    const int64_t min_ms = days_from_civil(0, 1, 1) * day_ms;
    const int64_t max_ms = days_from_civil(10000, 1, 1) * day_ms - 1;
    int64_t ms = floor_div(t.us, US_PER_MS);
    ms = ms < min_ms ? min_ms : ms > max_ms ? max_ms : ms;
    const int64_t days = floor_div(ms, day_ms);
    const int64_t rest = ms - days * day_ms;
    int64_t year;
    int month;
    int day;
    civil_from_days(days, &year, &month, &day);
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

bool wall_from_integer(int64_t number, wall_time *out)
{
    /* A number of seconds reaches 1e11 in the year 5138, and one of milliseconds has passed it
     * since 1973: so the magnitude tells the unit. */
    const int64_t size = number < 0 ? -(number + 1) : number;
    if (size < INT64_C(100000000000)) {
        out->us = number * US_PER_S;
    } else if (size < INT64_C(100000000000000)) {
        out->us = number * US_PER_MS;
    } else if (size < INT64_C(100000000000000000)) {
        out->us = number;
    } else {
        out->us = number / 1000;
    }
    return true;
}

bool wall_from_number(double number, wall_time *out)
{
    if (!isfinite(number) || fabs(number) >= 9e18) {
        return false;
    }
    if (fabs(number) < 1e11) {
        out->us = (int64_t)llround(number * 1e6);
        return true;
    }
    return wall_from_integer((int64_t)number, out);
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

/* Reads the rest of the text, which must be nothing, Z, +HH, +HHMM or +HH:MM, after any blanks. */
static bool scan_zone(struct scan *s, int *offset_s)
{
    *offset_s = 0;
    while (scan_char(s, ' ')) {
    }
    if (s->p == s->end || scan_char(s, 'Z') || scan_char(s, 'z')) {
        return s->p == s->end;
    }
    const int sign = scan_char(s, '-') ? -1 : 1;
    int hours;
    int minutes = 0;
    if ((sign > 0 && !scan_char(s, '+')) || !scan_digits(s, 2, &hours) || hours > 23) {
        return false;
    }
    if (s->p != s->end && ((void)scan_char(s, ':'), !scan_digits(s, 2, &minutes) || minutes > 59)) {
        return false;
    }
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return s->p == s->end;
}

static bool parse_date_time(struct scan s, wall_time *out)
{
    int year;
    int month;
    int day;
    if (!scan_digits(&s, 4, &year) || !scan_char(&s, '-') || !scan_digits(&s, 2, &month) ||
        !scan_char(&s, '-') || !scan_digits(&s, 2, &day)) {
        return false;
    }
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] + (month == 2 && leap)) {
        return false;
    }
    int hour = 0;
    int minute = 0;
    int second = 0;
    int64_t fraction_us = 0;
    int zone_s = 0;
    if (s.p != s.end) {
        if (!(scan_char(&s, 'T') || scan_char(&s, 't') || scan_char(&s, ' ')) ||
            !scan_digits(&s, 2, &hour) || !scan_char(&s, ':') || !scan_digits(&s, 2, &minute)) {
            return false;
        }
        if (scan_char(&s, ':') && !scan_digits(&s, 2, &second)) {
            return false;
        }
        if ((scan_char(&s, '.') || scan_char(&s, ',')) && !scan_fraction(&s, &fraction_us)) {
            return false;
        }
        if (!scan_zone(&s, &zone_s)) {
            return false;
        }
    }
    /* Second 60 is a leap second. Time since 1970 does not count it, so that it becomes second 0 of
     * the next minute. */
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    const int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * INT64_C(3600) +
                            minute * INT64_C(60) + second - zone_s;
    out->us = seconds * US_PER_S + fraction_us;
    return true;
}

static bool parse_number(struct scan s, wall_time *out)
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
    if (scan_char(&s, '.') && (!scan_fraction(&s, &fraction_us) || s.p != s.end)) {
        return false;
    }
    if (s.p != s.end || !wall_from_integer(negative ? -whole : whole, out)) {
        return false;
    }
    if (whole < INT64_C(100000000000)) {
        out->us += negative ? -fraction_us : fraction_us;
    }
    return true;
}

bool wall_parse(const char *text, size_t len, wall_time *out)
{
    struct scan s = {text, text + len};
    while (s.p < s.end && (*s.p == ' ' || *s.p == '\t')) {
        s.p++;
    }
    while (s.end > s.p && (s.end[-1] == ' ' || s.end[-1] == '\t' || s.end[-1] == '\n')) {
        s.end--;
    }
    const bool dated = s.end - s.p >= 10 && s.p[4] == '-';
    return dated ? parse_date_time(s, out) : parse_number(s, out);
}
