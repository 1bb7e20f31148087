/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_request.h"

#include <stdio.h>

#include "common/replica/answer.h"
#include "tests/common/replica/paper.h"

static void test_the_bytes_of_requests_are_those_of_the_protocol(void **state)
{
    struct paper *paper = *state;
    struct query_request request;
    query_request_begin(&request, QUERY_OP_GET);
    struct buf *value = query_request_member(&request, QUERY_ARG_KEYS);
    mp_put_array(value, 1);
    mp_put_text(value, "a");
    query_request_finish(&request, &paper->bytes);
    assert_bytes(paper, STR("\x82\xa2op\xa3get\xa4keys\x91\xa1"
                            "a"));
    buf_clear(&paper->bytes);
    query_request_begin(&request, QUERY_OP_LIST);
    query_request_text(&request, QUERY_ARG_PREFIX, STR("b"));
    query_request_uint(&request, QUERY_ARG_LIMIT, 5);
    query_request_finish(&request, &paper->bytes);
    assert_bytes(paper, STR("\x83\xa2op\xa4list\xa6prefix\xa1"
                            "b\xa5limit\x05"));
}

/* True when the text has the name in backquotes, or, if it is longer than a letter, as a word. */
static bool mentions(const char *text, const char *name)
{
    const size_t len = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++) {
        const char before = at == text ? ' ' : at[-1];
        const char after = at[len];
        const bool quoted = before == '`' && after == '`';
        const bool word = strchr(" {\"`", before) != NULL && strchr(" }\"`:,?", after) != NULL;
        if (quoted || (word && len > 1)) {
            return true;
        }
    }
    return false;
}

static void test_every_name_stands_in_the_document_of_the_protocol(void **state)
{
    (void)state;
    static const char *const names[] = {
        QUERY_OP_PING,       QUERY_OP_STATS,        QUERY_OP_GET,         QUERY_OP_LIST,
        QUERY_OP_SNAPSHOT,   QUERY_OP_EVENTS,       QUERY_ARG_OP,         QUERY_ARG_KEY,
        QUERY_ARG_KEYS,      QUERY_ARG_PREFIX,      QUERY_ARG_AFTER,      QUERY_ARG_LIMIT,
        QUERY_ARG_AFTER_ID,  QUERY_ARG_NEWEST,      QUERY_ARG_TYPES,      ANSWER_ERROR,
        ANSWER_CODE,         ANSWER_MESSAGE,        ANSWER_BAD_REQUEST,   ANSWER_UNKNOWN_OP,
        ANSWER_NOT_FOUND,    ANSWER_UNAVAILABLE,    ANSWER_INSTANCE,      ANSWER_LANES,
        ANSWER_VERSIONS,     ANSWER_POSITION,       ANSWER_AS_OF,         ANSWER_ORIGIN,
        ANSWER_ORDINAL,      ANSWER_ROLE,           ANSWER_VERSION,       ANSWER_SERVING,
        ANSWER_REASON,       ANSWER_STATS,          ANSWER_ANSWERED,      ANSWER_TILES,
        ANSWER_RESTART,      ANSWER_FLOOR,          ANSWER_EVENTS,        ANSWER_NEXT,
        ANSWER_MORE,         ANSWER_TILE_KEY,       ANSWER_TILE_LANE,     ANSWER_TILE_VERSION,
        ANSWER_TILE_VALUE,   ANSWER_TILE_TTL,       ANSWER_TILE_GRACE,    ANSWER_TILE_POSITION,
        ANSWER_TILE_AS_OF,   ANSWER_TILE_PUBLISHED, ANSWER_TILE_AGE,      ANSWER_TILE_STALE,
        ANSWER_TILE_EXPIRED, ANSWER_EVENT_ORDINAL,  ANSWER_EVENT_ARRIVAL, ANSWER_EVENT_PUBLISHED,
        ANSWER_EVENT_FIELDS, ANSWER_EVENT_ID,       ANSWER_EVENT_TYPE,    ANSWER_GENERATION,
    };
    FILE *file = fopen(TILEWIRE_SOURCE_DIR "/docs/protocol.md", "r");
    assert_non_null(file);
    struct buf text = {0};
    text.len = fread(buf_reserve(&text, 1 << 20), 1, 1 << 20, file);
    fclose(file);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!mentions(buf_cstr(&text), names[i])) {
            fail_msg("docs/protocol.md does not say what `%s` is", names[i]);
        }
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_stands_in_the_document_of_the_protocol),
        TEST(test_the_bytes_of_requests_are_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
