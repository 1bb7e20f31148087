/* SPDX-License-Identifier: Apache-2.0 */
/* The `calendars` section: when a desk is open, for deadlines in business time. */
#include <stdlib.h>
#include <string.h>

#include "common/base/time/civil.h"
#include "common/config/sections/section.h"

#define NAME_MAX_BYTES 64
#define MINUTES_PER_DAY 1440
#define HOURS_EXPECTED "hours such as 08:00-18:00, or [08:00-12:00, 13:00-17:00]"

static int read_name(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    struct business_calendar *calendar = target;
    if (value->kind != YAML_SCALAR || value->text.len == 0 || value->text.len > NAME_MAX_BYTES ||
        strspn(value->text.p, allowed) != value->text.len) {
        return config_expected(r, value, key->name,
                               "a name of at most 64 letters, digits, - and _");
    }
    calendar->name = config_copy(r, value->text);
    return STATUS_OK;
}

static int read_zone(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    struct business_calendar *calendar = target;
    struct str name;
    struct error why = {{0}};
    int status = config_scalar(r, value, key->name, "the name of a time zone", &name);
    if (status != STATUS_OK) {
        return status;
    }
    calendar->time_zone = config_copy(r, name);
    calendar->zone = NULL;
    if (strcmp(calendar->time_zone, "UTC") != 0) { /* It is known without a database. */
        status = zone_load(calendar->time_zone, r->memory, &calendar->zone, &why);
    }
    return status == STATUS_OK ? STATUS_OK : config_fail(r, value, key->name, "%s", why.text);
}

/* ---- hours ---- */

/* A number of so many digits at p, or -1. */
static int digits(const char *p, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }
        number = number * 10 + (p[i] - '0');
    }
    return number;
}

/* The minute of a day that "08:00" is, up to 24:00; or -1. */
static int minute_of(const char *p)
{
    const int hour = digits(p, 2);
    const int minute = p[2] == ':' ? digits(p + 3, 2) : -1;
    const bool fine = hour >= 0 && minute >= 0 && minute < 60 && hour * 60 <= MINUTES_PER_DAY;
    return fine && hour * 60 + minute <= MINUTES_PER_DAY ? hour * 60 + minute : -1;
}

static int read_range(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, struct business_hours *hours)
{
    struct business_range range = {-1, -1};
    if (value->kind == YAML_SCALAR && value->text.len == 11 && value->text.p[5] == '-') {
        range = (struct business_range){minute_of(value->text.p), minute_of(value->text.p + 6)};
    }
    if (range.from < 0 || range.to < 0) {
        return config_expected(r, value, key->name, HOURS_EXPECTED);
    }
    if (range.from >= range.to) {
        return config_fail(r, value, key->name,
                           "the hours end before they begin; divide what goes over midnight "
                           "between two days, and end a day with 24:00");
    }
    if (hours->count > 0 && hours->ranges[hours->count - 1].to >= range.from) {
        return config_fail(r, value, key->name,
                           "the hours have to stand in their order, with time between them");
    }
    hours->ranges[hours->count++] = range;
    return STATUS_OK;
}

static int read_hours(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct business_hours *hours = config_member(target, key);
    if (value->kind != YAML_LIST) {
        return read_range(r, key, value, hours);
    }
    int status = config_expect_list(r, value, key->name, BUSINESS_RANGES_MAX);
    for (const struct yaml_node *node = value->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        status = read_range(r, key, node, hours);
    }
    return status;
}

/* ---- holidays ---- */

static bool read_date(struct str text, int64_t *day)
{
    if (text.len != 10 || text.p[4] != '-' || text.p[7] != '-') {
        return false;
    }
    const int year = digits(text.p, 4);
    const int month = digits(text.p + 5, 2);
    const int date = digits(text.p + 8, 2);
    if (year < 0 || month < 1 || month > 12 || date < 1 || date > 31) {
        return false;
    }
    int64_t found_year;
    int found_month;
    int found_date;
    *day = civil_days(year, month, date);
    civil_date(*day, &found_year, &found_month, &found_date);
    return found_date == date; /* no 30th of February */
}

static int compare_days(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int read_holidays(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    struct business_calendar *calendar = target;
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t *days = arena_array(r->memory, value->count, sizeof *days);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR || !read_date(node->text, &days[calendar->holiday_count])) {
            return config_expected(r, node, key->name, "a date such as 2026-12-25");
        }
        calendar->holiday_count++;
    }
    qsort(days, calendar->holiday_count, sizeof *days, compare_days);
    calendar->holidays = days;
    return STATUS_OK;
}

/* ---- the section ---- */

#define HOURS(key, day, name)                                                                      \
    {                                                                                              \
        CONFIG_MEMBER(key, read_hours, struct business_calendar, week[day]),                       \
            .default_words = "closed", .range = "hours, at most 8",                                \
            .help = "When it is open on " name "."                                                 \
    }

static const struct config_key rows[] = {
    {CONFIG_CUSTOM("name", read_name), .needed = "name: desk",
     .range = "at most 64 letters, digits, - and _, unique",
     .help = "What tiles call the calendar."},
    {CONFIG_CUSTOM("time_zone", read_zone), .default_value = "UTC",
     .range = "a name of the IANA database, such as `Europe/Berlin`",
     .help = "The time zone that its hours and dates are in."},
    HOURS("mon", 0, "Mondays"),
    HOURS("tue", 1, "Tuesdays"),
    HOURS("wed", 2, "Wednesdays"),
    HOURS("thu", 3, "Thursdays"),
    HOURS("fri", 4, "Fridays"),
    HOURS("sat", 5, "Saturdays"),
    HOURS("sun", 6, "Sundays"),
    {CONFIG_LIST("holidays", read_holidays, BUSINESS_HOLIDAYS_MAX), .range = "dates",
     .help = "The dates on which it is closed, such as `[2026-12-25, 2026-12-26]`."},
};
const struct config_table config_calendar_table = CONFIG_TABLE(rows);

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      struct business_calendar *calendar)
{
    const int status = config_read_map(r, value, &config_calendar_table, calendar);
    if (status != STATUS_OK) {
        return status;
    }
    if (calendar->name == NULL) {
        return config_fail(r, value, NULL, "each needs a name: write name: desk");
    }
    for (const struct business_calendar *other = r->config->calendars; other < calendar; other++) {
        if (strcmp(other->name, calendar->name) == 0) {
            return config_fail(r, yaml_get(value, "name"), NULL, "the name \"%s\" is taken already",
                               calendar->name);
        }
    }
    if (business_week_ms(calendar) == 0) {
        return config_fail(r, value, NULL,
                           "it is never open; write the hours of a day, such as mon: 08:00-18:00");
    }
    return STATUS_OK;
}

int config_read_calendars(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    struct config *config = target;
    const char *context = r->context;
    int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    config->calendars = arena_array(r->memory, value->count, sizeof *config->calendars);
    for (const struct yaml_node *node = value->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        struct business_calendar *calendar = &config->calendars[config->calendar_count];
        const struct yaml_node *name = yaml_get(node, "name");
        r->context = name != NULL && name->kind == YAML_SCALAR
                         ? arena_printf(r->memory, "calendar \"%s\": ", name->text.p)
                         : "calendars: ";
        config_apply_defaults(r, &config_calendar_table, calendar);
        status = read_entry(r, node, calendar);
        config->calendar_count += status == STATUS_OK;
    }
    r->context = context;
    return status;
}

int config_read_calendar(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    const struct config *config = r->config;
    const struct business_calendar **member = config_member(target, key);
    struct str name;
    size_t chosen = 0;
    const int status = config_scalar(r, value, key->name, "the name of a calendar", &name);
    if (status != STATUS_OK) {
        return status;
    }
    if (config->calendar_count == 0) {
        return config_fail(r, value, key->name,
                           "the file has no `calendars`: write calendars: [{name: desk, mon: "
                           "08:00-18:00}]");
    }
    const char **names = arena_array(r->memory, config->calendar_count, sizeof *names);
    for (size_t i = 0; i < config->calendar_count; i++) {
        names[i] = config->calendars[i].name;
    }
    const int found = config_choose(r, key->name, value, names, config->calendar_count, &chosen);
    if (found == STATUS_OK) {
        *member = &config->calendars[chosen];
    }
    return found;
}
