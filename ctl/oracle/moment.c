/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/moment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/oracle/zone.h"

#define MOMENT_TEXT_MAX 99 /* bytes; no moment is longer, and longer text is none */
#define DAY_S INT64_C(86400)
#define MILLION INT64_C(1000000)

bool oracle_moment_in_range(int64_t us)
{
    static const int64_t year_0_s = INT64_C(-62167219200);
    static const int64_t year_10000_s = INT64_C(253402300800);
    return us >= year_0_s * MILLION && us < year_10000_s * MILLION;
}

/* ---- Parts of a text ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* True when the text looks like the shape, in which 9 stands for any digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++) {
        if (*shape == '9' ? !is_digit(*text) : *text != *shape) {
            return false;
        }
    }
    return *text == '\0';
}

/* The number that `len` digits at that place write. */
static int number_at(const char *text, size_t at, size_t len)
{
    char digits[16] = {0};
    memcpy(digits, text + at, len);
    return (int)strtol(digits, NULL, 10);
}

/* The day since 1970 with that month and day of the month, or with that day of the year when month
 * is 1. False when the calendar has no such day: then timegm makes another one of it. */
static bool civil_day(int year, int month, int day, bool of_year, int64_t *days)
{
    struct tm asked = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    const time_t at = timegm(&asked);
    struct tm got;
    (void)gmtime_r(&at, &got);
    *days = (int64_t)at / DAY_S;
    return day > 0 && got.tm_year == year - 1900 &&
           (of_year || (got.tm_mon == month - 1 && got.tm_mday == day));
}

/* The first days of the weeks of a year are counted from its first Thursday. */
static bool week_day(int year, int week, int day, int64_t *days)
{
    for (int first = 1; first <= 7; first++) {
        struct tm tm = {.tm_year = year - 1900, .tm_mday = first + 7 * (week - 1)};
        struct tm new_year = {.tm_year = year - 1900, .tm_mday = first};
        const time_t at = timegm(&tm);
        (void)timegm(&new_year);
        if (new_year.tm_wday == 4) { /* `at` is the Thursday of the week. */
            *days = (int64_t)at / DAY_S + day - 4;
            return week >= 1 && day >= 1 && day <= 7 && tm.tm_year == year - 1900;
        }
    }
    return false;
}

static bool read_date(const char *text, int64_t *days)
{
    if (has_shape(text, "9999-99-99") || has_shape(text, "99999999")) {
        const size_t hyphen = text[4] == '-';
        return civil_day(number_at(text, 0, 4), number_at(text, 4 + hyphen, 2),
                         number_at(text, 6 + 2 * hyphen, 2), false, days);
    }
    if (has_shape(text, "9999-999") || has_shape(text, "9999999")) {
        return civil_day(number_at(text, 0, 4), 1, number_at(text, text[4] == '-' ? 5 : 4, 3), true,
                         days);
    }
    if (has_shape(text, "9999-W99-9")) {
        return week_day(number_at(text, 0, 4), number_at(text, 6, 2), number_at(text, 9, 1), days);
    }
    return has_shape(text, "9999W999") &&
           week_day(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 7, 1), days);
}

/* Digits of a fraction as millionths. */
static int64_t millionths(const char *digits)
{
    char six[7] = "000000";
    for (size_t i = 0; i < 6 && digits[i] != '\0'; i++) {
        six[i] = digits[i];
    }
    return strtoll(six, NULL, 10);
}

static bool read_time(const char *text, const char *fraction, int64_t *us)
{
    const int64_t hour = number_at(text, 0, 2);
    int64_t minute;
    int64_t second = 0;
    if (has_shape(text, "99:99") || has_shape(text, "99:99:99")) {
        minute = number_at(text, 3, 2);
        second = text[5] != '\0' ? number_at(text, 6, 2) : 0;
    } else if (has_shape(text, "9999") || has_shape(text, "999999")) {
        minute = number_at(text, 2, 2);
        second = text[4] != '\0' ? number_at(text, 4, 2) : 0;
    } else {
        return false;
    }
    const int64_t part = millionths(fraction);
    *us = (hour * 3600 + minute * 60 + second) * MILLION + part;
    return (hour <= 23 && minute <= 59 && second <= 60) ||
           (hour == 24 && minute == 0 && second == 0 && part == 0);
}

/* An offset's digits, of which it has 2, 4 or 6, with zeros for those that it lacks. */
static void digits_of(const char *text, char digits[7])
{
    size_t count = 0;
    memcpy(digits, "000000", 7);
    for (; *text != '\0'; text++) {
        if (is_digit(*text)) {
            digits[count++] = *text;
        }
    }
}

static bool read_zone(const char *text, int64_t *offset_s)
{
    static const char *const shapes[] = {"99", "9999", "99:99", "999999", "99:99:99"};
    *offset_s = 0;
    if (strcmp(text, "") == 0 || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0 ||
        strcmp(text, "UTC") == 0 || strcmp(text, "GMT") == 0) {
        return true;
    }
    for (size_t i = 0; (*text == '+' || *text == '-') && i < sizeof shapes / sizeof *shapes; i++) {
        if (has_shape(text + 1, shapes[i])) {
            char digits[7];
            digits_of(text + 1, digits);
            const int64_t hours = number_at(digits, 0, 2);
            const int64_t minutes = number_at(digits, 2, 2);
            const int64_t seconds = number_at(digits, 4, 2);
            *offset_s = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
            return hours <= 23 && minutes <= 59 && seconds <= 59;
        }
    }
    return false;
}

/* ---- Dates and times ---- */

/* Cuts text in two before its first byte that is one of `at`; returns the second part, whose first
 * byte is still there, or "". kept gets the first part. */
static const char *cut(const char *text, const char *at, char kept[MOMENT_TEXT_MAX + 1])
{
    const size_t len = strcspn(text, at);
    memcpy(kept, text, len);
    kept[len] = '\0';
    return text + len;
}

/* What stands behind the date: a time with its fraction, blanks, a zone. *named is set to whether
 * there is a zone. */
static bool read_clock(const char *text, int64_t *us, bool *named)
{
    char time[MOMENT_TEXT_MAX + 1] = "";
    char fraction[MOMENT_TEXT_MAX + 1] = "";
    int64_t offset_s;
    const char *rest = cut(text, " Zz+-UG.,", time);
    if (*rest == '.' || *rest == ',') {
        rest = cut(rest + 1, " Zz+-UG", fraction);
        if (!has_shape(time, "99:99:99") && !has_shape(time, "999999")) {
            return false;
        }
        if (fraction[0] == '\0' || strspn(fraction, "0123456789") != strlen(fraction)) {
            return false;
        }
    } else if (has_shape(time, "999999999") || has_shape(time, "999999999999")) {
        snprintf(fraction, sizeof fraction, "%s", time + 6);
        time[6] = '\0';
    }
    rest += strspn(rest, " ");
    *named = *rest != '\0';
    if (!read_time(time, fraction, us) || !read_zone(rest, &offset_s)) {
        return false;
    }
    *us -= offset_s * MILLION;
    return true;
}

/* True for digits that are meant as a date, whether there is such a date or not. */
static bool means_date(const char *digits, size_t len)
{
    return (strncmp(digits, "19", 2) == 0 || strncmp(digits, "20", 2) == 0) &&
           (len == 7 || len == 8 || len == 12 || len == 14 || len == 17 || len == 20);
}

static bool read_date_time(const char *text, const char *zone, int64_t *us)
{
    char date[MOMENT_TEXT_MAX + 1] = "";
    int64_t days;
    int64_t time_us = 0;
    bool named = false;
    const size_t digits = strspn(text, "0123456789");
    const char *time = cut(text, "Tt ", date);
    if (*time != '\0' && strlen(date) <= sizeof "9999-W99-9" - 1) {
        if (!read_date(date, &days) || !read_clock(time + 1, &time_us, &named)) {
            return false;
        }
    } else if (means_date(text, digits)) {
        const size_t date_len = digits == 7 ? 7 : 8;
        memcpy(date, text, date_len);
        date[date_len] = '\0';
        if (!read_date(date, &days) ||
            (digits > 8 ? !read_clock(text + 8, &time_us, &named) : text[digits] != '\0')) {
            return false;
        }
    } else if (digits > 4 || !read_date(text, &days)) {
        return false;
    }
    *us = days * DAY_S * MILLION + time_us;
    if (!named) {
        *us = oracle_zone_instant_us(zone, *us);
    }
    return oracle_moment_in_range(*us);
}

/* ---- Numbers ---- */

/* Reads digits, with a sign perhaps, as a number whose magnitude tells the unit. */
static bool read_number(const char *text, int64_t *us)
{
    const bool negative = *text == '-';
    const char *digits = text + negative;
    const size_t len = strspn(digits, "0123456789");
    const char *fraction = digits[len] == '.' ? digits + len + 1 : "";
    const bool fractional = digits[len] == '.';
    if (len == 0 || (digits[len] != '\0' && !fractional) ||
        (fractional && (*fraction == '\0' || fraction[strspn(fraction, "0123456789")] != '\0'))) {
        return false;
    }
    const size_t zeros = strspn(digits, "0") < len ? strspn(digits, "0") : len - 1;
    const size_t size = len - zeros;
    if (size > 19 || ((!negative || zeros != 0) && means_date(digits + zeros, size)) ||
        (size == 19 && strcmp(digits + zeros, "9223372036854775808") >= 0)) {
        return false;
    }
    int64_t value = strtoll(digits, NULL, 10);
    if (size <= 11) {
        value = value * MILLION + millionths(fraction);
    } else if (size <= 14) {
        value *= 1000;
    } else if (size >= 18) {
        value /= 1000;
    }
    *us = negative ? -value : value;
    return oracle_moment_in_range(*us);
}

static bool read_any(const char *text, const char *zone, int64_t *us)
{
    int64_t value;
    if (!read_date_time(text, zone, &value) && !read_number(text, &value)) {
        return false;
    }
    *us = value;
    return true;
}

bool oracle_moment_of_text(struct str text, const char *zone, int64_t *us)
{
    char copy[MOMENT_TEXT_MAX + 1] = "";
    if (text.p == NULL) {
        return false;
    }
    while (text.len != 0 && strchr(" \t\n", text.p[0]) != NULL && text.p[0] != '\0') {
        text.p++;
        text.len--;
    }
    while (text.len != 0 && strchr(" \t\n", text.p[text.len - 1]) != NULL &&
           text.p[text.len - 1] != '\0') {
        text.len--;
    }
    if (text.len > MOMENT_TEXT_MAX || memchr(text.p, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    return read_any(copy, zone, us);
}

bool oracle_moment_of_integer(int64_t number, const char *zone, int64_t *us)
{
    char text[24] = "";
    snprintf(text, sizeof text, "%lld", (long long)number);
    if (strcmp(text, "-9223372036854775808") == 0) {
        text[strlen(text) - 1] = '7'; /* the same µs, and one that read_number takes */
    }
    return read_any(text, zone, us);
}

bool oracle_moment_of_real(double number, const char *zone, int64_t *us)
{
    char text[24] = "";
    if (!(fabs(number) < 9e18)) {
        return false;
    }
    const int64_t whole = (int64_t)number;
    snprintf(text, sizeof text, "%lld", (long long)whole);
    if (fabs(number) >= 1e11 ||
        (means_date(text, strlen(text)) && fabs(number - trunc(number)) <= 0)) {
        return oracle_moment_of_integer(whole, zone, us);
    }
    if (means_date(text, strlen(text))) {
        return false;
    }
    const int64_t rounded = llround(number * 1e6);
    if (!oracle_moment_in_range(rounded)) {
        return false;
    }
    *us = rounded;
    return true;
}
