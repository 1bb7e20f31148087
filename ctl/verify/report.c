/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/report.h"

#include "common/base/utf8.h"
#include "common/codec/json.h"
#include "ctl/base/print.h"
#include "ctl/verify/diff.h"

#define SIDE_MAX 120 /* bytes of a value that are shown */
#define LINES_MAX 20 /* how many differences of a tile are shown */

/* ---- For people ---- */

struct lines {
    const struct ctl *ctl;
    size_t count;
    bool unprovable; /* The tile is. */
};

static void print_side(FILE *out, const mp_value *value)
{
    struct buf json = {0};
    if (value == NULL) {
        buf_append_text(&json, "nothing");
    } else {
        json_write_value(&json, value);
    }
    const bool whole = json.len <= SIDE_MAX;
    print_json(out, utf8_cut(buf_str(&json), SIDE_MAX));
    fputs(whole ? "" : "…", out);
    buf_free(&json);
}

static void print_line(void *arg, const char *path, const mp_value *expected, const mp_value *got)
{
    struct lines *lines = arg;
    FILE *out = lines->ctl->out;
    if (++lines->count > LINES_MAX) {
        return;
    }
    fputs("    ", out);
    print_text(out, str_of(path[0] != '\0' ? path : "value"));
    fputs(lines->unprovable ? ": the rows that are left give " : ": expected ", out);
    print_side(out, expected);
    fputs(", got ", out);
    print_side(out, got);
    fputc('\n', out);
}

static void each_difference(const struct verdict_finding *finding, diff_fn *each, void *arg)
{
    struct mp_doc expected;
    struct mp_doc got;
    mp_doc_init(&expected);
    mp_doc_init(&got);
    if (mp_parse(&expected, finding->expected.data, finding->expected.len) == STATUS_OK &&
        mp_parse(&got, finding->got.data, finding->got.len) == STATUS_OK) {
        diff_values(&expected.root, &got.root, VERIFY_TOLERANCE, each, arg);
    }
    mp_doc_free(&expected);
    mp_doc_free(&got);
}

static const char *explain(const struct verdict_finding *finding)
{
    if (finding->reason != NULL) {
        return finding->reason;
    }
    switch (finding->verdict) {
    case VERDICT_DIFFERS:
        return "is not what the rows up to its position give";
    case VERDICT_BEHIND:
        return "was right, but lacks what has happened since";
    case VERDICT_MISSING:
        return "is missing";
    case VERDICT_SURPLUS:
        return "should not be there";
    case VERDICT_STALE:
        return "is stale";
    case VERDICT_LACKS:
        return "lacks rows that are there";
    case VERDICT_UNPROVABLE:
    case VERDICT_BUILDING:
        return "cannot be proved";
    case VERDICT_SHOWN_OTHERWISE:
        return "is not shown over HTTP as it is";
    case VERDICT_SHOWN_LATE:
        return "is shown over HTTP in another version each time: the gateway is behind, or the "
               "tile "
               "changes too often";
    case VERDICT_NOT_SHOWN:
        return "may be seen, and is not shown over HTTP";
    case VERDICT_EXPOSED:
        return "may not be seen, and is shown over HTTP";
    case VERDICT_EQUAL:
        break;
    }
    return "is right";
}

static void print_finding(const struct report *report, const struct verdict_finding *finding)
{
    const struct ctl *ctl = report->ctl;
    char time[WALL_TEXT_SIZE];
    const bool unprovable = verdict_is_unprovable(finding->verdict);
    struct lines lines = {ctl, 0, unprovable};
    if (ctl->colour) {
        fputs(unprovable ? "\033[1;33m" : "\033[1;31m", ctl->out);
    }
    print_text(ctl->out, str_of(finding->key));
    fprintf(ctl->out, "%s %s (as of position ", ctl->colour ? "\033[0m" : "", explain(finding));
    print_text(ctl->out, str_of(finding->position));
    fprintf(ctl->out, ", %s)\n", wall_format(finding->as_of, time));
    if (finding->proved != NULL) {
        fprintf(ctl->out, "    proved: %s\n", finding->proved);
    }
    each_difference(finding, print_line, &lines);
    if (lines.count > LINES_MAX) {
        fprintf(ctl->out, "    … and %zu more\n", lines.count - LINES_MAX);
    }
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* The tiles that the token does not show, of which nothing is said. */
static void print_unseen(const struct report *report)
{
    FILE *out = report->ctl->out;
    size_t count;
    const char *const *keys = verdicts_unseen(report->verdicts, &count);
    if (count == 0) {
        return;
    }
    fputs("not seen with this token: ", out);
    for (size_t i = 0; i < count && i < LINES_MAX; i++) {
        fputs(i != 0 ? ", " : "", out);
        print_text(out, str_of(keys[i]));
    }
    if (count > LINES_MAX) {
        fprintf(out, " and %zu more", count - LINES_MAX);
    }
    fputc('\n', out);
}

static void print_for_people(const struct report *report)
{
    FILE *out = report->ctl->out;
    size_t count;
    size_t skipped;
    const struct verdict_finding *findings = verdicts_findings(report->verdicts, &count);
    const struct tile_config *const *limits = verdicts_skipped(report->verdicts, &skipped);
    for (size_t i = 0; i < count; i++) {
        print_finding(report, &findings[i]);
    }
    for (size_t i = 0; i < skipped; i++) {
        fprintf(out,
                "%s: not compared: there are more groups than max_groups (%u), or more breakdown "
                "values than %d\n",
                limits[i]->key, limits[i]->max_groups, ORACLE_BREAKDOWN_MAX);
    }
    print_unseen(report);
    const size_t equal = verdicts_equal(report->verdicts);
    const size_t held = verdicts_held(report->verdicts);
    if (held != 0) {
        fprintf(out,
                "%zu tile%s may hold newer changes back: the refresh interval is longer than "
                "--timeout\n",
                held, plural(held));
    }
    const size_t unprovable = verdicts_unprovable(report->verdicts);
    const size_t wrong = count - unprovable;
    fputs("verify: ", out);
    if (wrong != 0) {
        fprintf(out, "%zu tile%s wrong, ", wrong, plural(wrong));
    }
    if (unprovable != 0) {
        fprintf(out, "%zu %sunprovable, ", unprovable,
                wrong != 0        ? ""
                : unprovable == 1 ? "tile "
                                  : "tiles ");
    }
    fprintf(out, "%zu %sequal, position %s\n", equal,
            count != 0   ? ""
            : equal == 1 ? "tile "
                         : "tiles ",
            report->position);
}

/* ---- For programs ---- */

struct members {
    struct buf *out;
    size_t count;
};

static void write_side(struct buf *out, const char *name, const mp_value *value)
{
    if (value != NULL) {
        buf_printf(out, ",\"%s\":", name);
        json_write_value(out, value);
    }
}

static void write_difference(void *arg, const char *path, const mp_value *expected,
                             const mp_value *got)
{
    struct members *members = arg;
    buf_append_text(members->out, members->count++ != 0 ? ",{\"path\":" : "{\"path\":");
    json_write_string(members->out, str_of(path));
    write_side(members->out, "expected", expected);
    write_side(members->out, "got", got);
    buf_append_char(members->out, '}');
}

static void write_finding(struct buf *out, const struct verdict_finding *finding)
{
    char time[WALL_TEXT_SIZE];
    struct members members = {out, 0};
    buf_append_text(out, "{\"key\":");
    json_write_string(out, str_of(finding->key));
    buf_printf(out, ",\"verdict\":\"%s\",\"reason\":", verdict_name(finding->verdict));
    json_write_string(out, str_of(explain(finding)));
    buf_append_text(out, ",\"as_of\":{\"position\":");
    json_write_string(out, str_of(finding->position));
    buf_printf(out, ",\"time\":\"%s\"},\"differences\":[", wall_format(finding->as_of, time));
    each_difference(finding, write_difference, &members);
    buf_append_char(out, ']');
    if (finding->tally.known) {
        buf_printf(out, ",\"rows\":%llu,\"rows_left\":%llu",
                   (unsigned long long)finding->tally.rows, (unsigned long long)finding->rows_left);
    }
    if (finding->proved != NULL) {
        buf_append_text(out, ",\"proved\":");
        json_write_string(out, str_of(finding->proved));
    }
    buf_append_char(out, '}');
}

/* The findings that are unprovable, or those that are wrong. */
static void write_findings(struct buf *out, const struct verdicts *verdicts, bool unprovable)
{
    size_t count;
    size_t written = 0;
    const struct verdict_finding *findings = verdicts_findings(verdicts, &count);
    for (size_t i = 0; i < count; i++) {
        if (verdict_is_unprovable(findings[i].verdict) == unprovable) {
            buf_append_text(out, written++ != 0 ? "," : "");
            write_finding(out, &findings[i]);
        }
    }
}

static void print_for_programs(const struct report *report)
{
    struct buf out = {0};
    size_t count;
    size_t skipped;
    (void)verdicts_findings(report->verdicts, &count);
    const struct tile_config *const *limits = verdicts_skipped(report->verdicts, &skipped);
    const char *verdict = count == 0                                       ? "equal"
                          : count == verdicts_unprovable(report->verdicts) ? "unprovable"
                                                                           : "wrong";
    buf_printf(&out, "{\"ok\":%s,\"verdict\":\"%s\",\"equal\":%zu,\"held_back\":%zu,\"position\":",
               count == 0 ? "true" : "false", verdict, verdicts_equal(report->verdicts),
               verdicts_held(report->verdicts));
    json_write_string(&out, str_of(report->position));
    buf_printf(&out, ",\"rows\":%zu,\"rows_unusable\":%llu,\"not_compared\":[", report->rows,
               (unsigned long long)report->unusable);
    for (size_t i = 0; i < skipped; i++) {
        buf_append_text(&out, i != 0 ? "," : "");
        json_write_string(&out, str_of(limits[i]->key));
    }
    if (report->over_http) {
        const char *const *unseen = verdicts_unseen(report->verdicts, &count);
        buf_append_text(&out, "],\"not_seen\":[");
        for (size_t i = 0; i < count; i++) {
            buf_append_text(&out, i != 0 ? "," : "");
            json_write_string(&out, str_of(unseen[i]));
        }
    }
    buf_append_text(&out, "],\"wrong\":[");
    write_findings(&out, report->verdicts, false);
    buf_append_text(&out, "],\"unprovable\":[");
    write_findings(&out, report->verdicts, true);
    print_json(report->ctl->out, buf_str(&out));
    fputs("]}\n", report->ctl->out);
    buf_free(&out);
}

void report_print(const struct report *report)
{
    if (report->ctl->json) {
        print_for_programs(report);
    } else {
        print_for_people(report);
    }
}

void report_failure(const struct ctl *ctl, const char *why)
{
    if (ctl->json) {
        struct buf text = {0};
        json_write_string(&text, str_of(why));
        fputs("{\"ok\":false,\"error\":", ctl->out);
        print_json(ctl->out, buf_str(&text));
        fputs("}\n", ctl->out);
        buf_free(&text);
    } else {
        (void)ctl_fail(ctl, "%s", why);
    }
}
