/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/audit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/program/log.h"

#define VALUE_BYTES ((size_t)256) /* of a text that a client chose; the rest is cut */
#define FIELDS_MAX 10

void audit_init(struct audit *audit, enum config_audit what, enum config_auth_kind auth,
                mono_time now)
{
    const enum config_audit by_default =
        auth != CONFIG_AUTH_NONE ? CONFIG_AUDIT_ALL : CONFIG_AUDIT_NONE;
    const struct audit_bucket full = {AUDIT_BURST, now};
    *audit = (struct audit){
        .what = what == CONFIG_AUDIT_AUTO ? by_default : what, .given = full, .refused = full};
}

static bool take(struct audit_bucket *bucket, mono_time now)
{
    const double passed_s = (double)(now.us - bucket->filled_at.us) / (double)US_PER_S;
    bucket->tokens += passed_s > 0 ? passed_s * AUDIT_PER_SECOND : 0;
    bucket->tokens = bucket->tokens < AUDIT_BURST ? bucket->tokens : AUDIT_BURST;
    bucket->filled_at = now;
    if (bucket->tokens < 1) {
        return false;
    }
    bucket->tokens -= 1;
    return true;
}

struct line {
    struct log_field fields[FIELDS_MAX];
    size_t count;
};

static void put(struct line *line, const char *name, struct str value)
{
    if (value.p != NULL) {
        value.len = value.len < VALUE_BYTES ? value.len : VALUE_BYTES;
        line->fields[line->count++] = (struct log_field){name, value};
    }
}

/* What it may see of both kinds, as roles are written. */
static void describe_view(const struct view *view, struct buf *out)
{
    static const char *const kinds[] = {[VIEW_TILES] = "tiles", [VIEW_EVENTS] = "events"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct str text = view_text(view, (enum view_kind)i);
        buf_printf(out, "%s%s ", i != 0 ? "; " : "", kinds[i]);
        buf_append_str(out, text.len != 0 ? text : STR("none"));
    }
}

static struct str selection_of(const struct request *request)
{
    const char *keys = request_parameter(request, "keys");
    return str_of(keys != NULL ? keys : request_parameter(request, "types"));
}

static void write_line(struct audit *audit, const struct request *request, const char *method,
                       const char *verdict)
{
    const struct identity *identity = request->identity;
    char from[IP_TEXT_SIZE];
    char left_out[24];
    struct buf asked = {0};
    struct buf sees = {0};
    struct line line = {.count = 0};
    buf_printf(&asked, "%s %s", method, request->raw_path);
    if (identity != NULL) {
        describe_view(identity->view, &sees);
        put(&line, "who", str_of(identity->subject));
        put(&line, "issuer", identity->issuer[0] != '\0' ? str_of(identity->issuer) : STR_NULL);
    }
    put(&line, "from", str_of(ip_format(&request->address, from)));
    put(&line, "request", buf_str(&asked));
    put(&line, "select", selection_of(request));
    put(&line, "sees", identity != NULL ? buf_str(&sees) : STR_NULL);
    put(&line, "verdict", str_of(verdict));
    put(&line, "reason", str_of(request->problem));
    if (audit->left_out != audit->left_out_reported) {
        snprintf(left_out, sizeof left_out, "%llu",
                 (unsigned long long)(audit->left_out - audit->left_out_reported));
        put(&line, "left_out", str_of(left_out));
        audit->left_out_reported = audit->left_out;
    }
    log_fields(LOG_LEVEL_INFO, "audit", line.fields, line.count);
    audit->lines++;
    buf_free(&asked);
    buf_free(&sees);
}

void audit_request(struct audit *audit, const struct request *request, const char *method,
                   mono_time now)
{
    const unsigned status = request->status;
    const bool refused = status >= 400;
    char verdict[16] = "stream";
    if (audit->what == CONFIG_AUDIT_NONE || (!refused && audit->what == CONFIG_AUDIT_REFUSED) ||
        status == MHD_HTTP_NOT_MODIFIED || status == MHD_HTTP_NO_CONTENT) {
        return;
    }
    if (!take(refused ? &audit->refused : &audit->given, now)) {
        audit->left_out++;
        return;
    }
    if (status != 0) {
        snprintf(verdict, sizeof verdict, "%u", status);
    }
    write_line(audit, request, method, verdict);
}
