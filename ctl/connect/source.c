/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/source.h"

#include "common/codec/json.h"
#include "ctl/oracle/columns.h"

#define PAYLOAD_MAX ((size_t)1024 * 1024)
#define NAMES_MAX 1000 /* bytes of a list of names */

static const char *field_name(const struct config_source *source, size_t column)
{
    return column < EVENT_FIELDS ? event_fields[column].name
                                 : source->extras[column - EVENT_FIELDS].field;
}

bool connect_columns(const struct config_source *source, const bool *there,
                     const char *const *types, struct findings *out)
{
    struct error err = {{0}};
    struct buf found = {0};
    const bool good = oracle_check_columns(source, there, &err) == STATUS_OK;
    for (size_t i = 0; i < oracle_column_count(source); i++) {
        const char *column = oracle_column(source, i);
        const char *field = field_name(source, i);
        if (there[i] && column != NULL) {
            buf_printf(&found, "%s%s", found.len != 0 ? ", " : "", field);
            if (strcmp(field, column) != 0) {
                buf_printf(&found, " from %s", column);
            }
            if (types[i] != NULL && types[i][0] != '\0') {
                buf_printf(&found, " (%s)", types[i]);
            }
        }
    }
    if (!good) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
    }
    if (found.len != 0) {
        finding_add(out, FINDING_OK, CONNECT_SOURCE, "columns: %s", buf_cstr(&found));
    }
    for (size_t i = 0; good && i < oracle_column_count(source); i++) {
        if (!there[i] && oracle_column(source, i) != NULL) {
            finding_add(
                out, FINDING_OK, CONNECT_SOURCE,
                "there is no column %s, so events have no %s; source.columns.%s names another "
                "one",
                oracle_column(source, i), field_name(source, i), field_name(source, i));
        }
    }
    buf_free(&found);
    return good;
}

/* ---- An event ---- */

static bool add_name(void *arg, struct str name, const struct json_value *value)
{
    struct buf *names = arg;
    (void)value;
    if (names->len < NAMES_MAX) {
        buf_printf(names, "%s%.*s", names->len != 0 ? ", " : "",
                   (int)(name.len < 100 ? name.len : 100), name.p);
    }
    return true;
}

static void check_dedupe(const struct config_source *source, const char *what,
                         const struct json_value *payload, const struct str *texts,
                         struct findings *out)
{
    const struct tile_field *field = &source->dedupe;
    bool has = true;
    if (field->kind == TILE_FIELD_PAYLOAD) {
        has = !json_absent(json_at(payload, field->path));
    } else if (field->kind == TILE_FIELD_EXTRA) {
        has = texts[EVENT_FIELDS + field->extra].p != NULL;
    }
    if (!has) {
        finding_add(
            out, FINDING_WARNING, CONNECT_SOURCE,
            "%s has no %s, so it counts as itself whatever comes again; is source.dedupe the "
            "right field?",
            what, field->text);
    }
}

static void check_payload(const struct config_source *source, const char *what,
                          const struct str *texts, struct findings *out)
{
    struct json_value *payload = NULL;
    struct buf names = {0};
    const struct str text = texts[EVENT_PAYLOAD];
    if (text.p != NULL && json_parse_usable(text, PAYLOAD_MAX, &payload) != STATUS_OK) {
        finding_add(out, FINDING_WARNING, CONNECT_SOURCE,
                    "the payload of %s is no JSON, so tiles find nothing in it", what);
    } else if (json_is_map(payload)) {
        json_each(payload, add_name, &names);
        finding_add(out, FINDING_OK, CONNECT_SOURCE, "its payload has the members %s",
                    names.len != 0 ? buf_cstr(&names) : "(none)");
    }
    check_dedupe(source, what, payload, texts, out);
    buf_free(&names);
    json_free(payload);
}

void connect_fields(const struct config_source *source, const char *key, const char *what,
                    const struct str *texts, bool timed, struct findings *out)
{
    struct buf found = {0};
    for (size_t i = EVENT_TYPE; i < oracle_column_count(source); i++) {
        if (texts[i].p != NULL) {
            buf_printf(&found, "%s%s", found.len != 0 ? ", " : "", field_name(source, i));
        }
    }
    if (!timed) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s has no timestamp that can be read, so it is passed over; set "
                    "source.%s.timestamp to where it is",
                    what, key);
    }
    if (texts[EVENT_TYPE].p == NULL) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s has no event_type, so it is passed over; set source.%s.event_type to where "
                    "it is",
                    what, key);
    }
    if (timed && texts[EVENT_TYPE].p != NULL) {
        const int len = (int)(texts[EVENT_TYPE].len < 100 ? texts[EVENT_TYPE].len : 100);
        finding_add(out, FINDING_OK, CONNECT_SOURCE, "%s is the newest, of type %.*s; it has %s",
                    what, len, texts[EVENT_TYPE].p, buf_cstr(&found));
        check_payload(source, what, texts, out);
    }
    buf_free(&found);
}
