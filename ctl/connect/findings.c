/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "ctl/base/print.h"

static const char *const names[FINDING_LEVELS] = {"ok", "warning", "error"};

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->list[i].text);
    }
    free(findings->list);
    *findings = (struct findings){0};
}

void finding_add(struct findings *findings, enum finding_level level, const char *about,
                 const char *format, ...)
{
    char text[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (findings->count == findings->cap) {
        findings->cap = findings->cap != 0 ? 2 * findings->cap : 16;
        findings->list = x_reallocarray(findings->list, findings->cap, sizeof *findings->list);
    }
    findings->list[findings->count++] = (struct finding){level, about, x_strdup(text)};
}

void findings_name(struct findings *findings, size_t from, const char *name)
{
    for (size_t i = from; i < findings->count; i++) {
        char *text = findings->list[i].text;
        findings->list[i].text = x_asprintf("%s: %s", name, text);
        free(text);
    }
}

size_t findings_count(const struct findings *findings, enum finding_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        count += findings->list[i].level == level;
    }
    return count;
}

void findings_print(const struct findings *findings, FILE *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        fprintf(out, "%-8s %s: ", names[finding->level], finding->about);
        print_text(out, str_of(finding->text));
        fputc('\n', out);
    }
    const size_t errors = findings_count(findings, FINDING_ERROR);
    const size_t warnings = findings_count(findings, FINDING_WARNING);
    fprintf(out, "%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
            warnings == 1 ? "" : "s");
}

void findings_print_json(const struct findings *findings, FILE *out)
{
    struct buf json = {0};
    buf_printf(&json, "{\"errors\":%zu,\"warnings\":%zu,\"findings\":[",
               findings_count(findings, FINDING_ERROR), findings_count(findings, FINDING_WARNING));
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        buf_printf(&json, "%s{\"level\":\"%s\",\"about\":\"%s\",\"text\":", i != 0 ? "," : "",
                   names[finding->level], finding->about);
        json_write_string(&json, str_of(finding->text));
        buf_append_text(&json, "}");
    }
    buf_append_text(&json, "]}");
    print_json(out, buf_str(&json));
    fputc('\n', out);
    buf_free(&json);
}
