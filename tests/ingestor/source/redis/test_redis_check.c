/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_check.h"

#include "tests/unit.h"

/* What the server would answer, as hiredis reads it. */
static redisReply *reply_of(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static struct redis_info info_of(const char *text)
{
    struct redis_info info;
    redisReply *reply = reply_of(text);
    redis_check_info(reply, &info);
    freeReplyObject(reply);
    return info;
}

static void test_what_a_server_says_of_a_stream(void **unused)
{
    (void)unused;
    const struct redis_info info = info_of("*8\r\n"
                                           "$6\r\nlength\r\n:2\r\n"
                                           "$17\r\nlast-generated-id\r\n$4\r\n9-12\r\n"
                                           "$13\r\nentries-added\r\n:5\r\n"
                                           "$11\r\nfirst-entry\r\n"
                                           "*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    assert_int_equal(info.length, 2);
    assert_int_equal(info.last.ms, 9);
    assert_int_equal(info.last.seq, 12);
    assert_int_equal(info.added, 5);
    assert_int_equal(info.first.ms, 4);
    assert_int_equal(info.first.seq, 1);
}

static void
test_an_older_server_counts_nothing_and_an_empty_stream_has_no_first_entry(void **unused)
{
    (void)unused;
    const struct redis_info info = info_of("*6\r\n"
                                           "$6\r\nlength\r\n:0\r\n"
                                           "$17\r\nlast-generated-id\r\n$3\r\n7-0\r\n"
                                           "$11\r\nfirst-entry\r\n$-1\r\n");
    assert_int_equal(info.added, REDIS_ADDED_UNKNOWN);
    assert_true(redis_id_is_zero(info.first));
    assert_int_equal(info.last.ms, 7);
}

static void test_how_far_it_is_behind(void **unused)
{
    (void)unused;
    const struct config config = {.source.redis.stream = "orders"};
    struct redis_source *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->config = &config;
    s->state.added = 4;
    struct lag lag = {0};
    redis_check_lag(s, &lag);
    assert_false(lag.known); /* before the first look */
    s->seen_added = 10;
    redis_check_lag(s, &lag);
    assert_true(lag.known);
    assert_int_equal(lag.messages, 6);
    assert_string_equal(lag.worst[0].name, "orders");
    lag = (struct lag){0};
    s->state.added = 12; /* what came since the look was read, too */
    redis_check_lag(s, &lag);
    assert_int_equal(lag.messages, 0);
    lag = (struct lag){0};
    s->state.added = REDIS_ADDED_UNKNOWN;
    redis_check_lag(s, &lag);
    assert_false(lag.known);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_server_says_of_a_stream),
        cmocka_unit_test(
            test_an_older_server_counts_nothing_and_an_empty_stream_has_no_first_entry),
        cmocka_unit_test(test_how_far_it_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
