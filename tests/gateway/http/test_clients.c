/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include <stdio.h>

#include "gateway/http/clients.h"

static const struct config_gateway_limits limits = {
    .streams_per_address = 3,
    .streams_per_second = 1,
    .streams_burst = 5,
    .requests_per_second = 10,
    .requests_burst = 20,
    .work_per_second_ms = 100,
};

static struct ip address_of(uint32_t number)
{
    struct ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    memcpy(ip.bytes + 12, &number, 4);
    return ip;
}

static mono_time at_ms(int64_t ms)
{
    return (mono_time){1000000000 + ms * 1000};
}

static void requests_flow_at_their_rate(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    const struct ip b = address_of(2);
    unsigned retry_s = 0;
    for (int i = 0; i < 20; i++) {
        assert_true(clients_request(clients, &a, at_ms(0), &retry_s));
    }
    assert_false(clients_request(clients, &a, at_ms(0), &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(clients_request(clients, &b, at_ms(0), &retry_s)); /* others do not notice */
    assert_true(clients_request(clients, &a, at_ms(101), &retry_s));
    assert_false(clients_request(clients, &a, at_ms(102), &retry_s));
    int granted = 0;
    for (int i = 0; i < 100; i++) {
        granted += clients_request(clients, &a, at_ms(60000), &retry_s);
    }
    assert_int_equal(granted, 20); /* the burst, however long one was quiet */
    clients_destroy(&clients);
    assert_null(clients);
}

static void streams_are_capped_and_paced(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    unsigned retry_s = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    }
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_TOO_MANY);
    assert_true(retry_s >= 1);
    clients_stream_closed(clients, &a);
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    clients_stream_closed(clients, &a);
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    clients_stream_closed(clients, &a);
    /* Five were opened: the bucket is empty, though there is room. */
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_TOO_FAST);
    assert_true(retry_s >= 1 && retry_s <= 2);
    assert_int_equal(clients_stream(clients, &a, at_ms(1001), &retry_s), CLIENTS_ADMITTED);
    clients_destroy(&clients);
}

static void who_is_quiet_is_forgotten(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    unsigned retry_s;
    for (uint32_t i = 0; i < 1000; i++) {
        const struct ip ip = address_of(i);
        assert_true(clients_request(clients, &ip, at_ms(0), &retry_s));
    }
    const struct ip holder = address_of(5000);
    assert_int_equal(clients_stream(clients, &holder, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    assert_int_equal(clients_count(clients), 1001);
    clients_sweep(clients, at_ms(50));
    assert_int_equal(clients_count(clients), 1001); /* their buckets are not full yet */
    clients_sweep(clients, at_ms(10000));
    assert_int_equal(clients_count(clients), 1); /* a stream is open */
    clients_stream_closed(clients, &holder);
    clients_sweep(clients, at_ms(20000));
    assert_int_equal(clients_count(clients), 0);
    clients_destroy(&clients);
}

static void a_network_of_ipv6_counts_as_one(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    unsigned retry_s = 0;
    for (int i = 0; i < 21; i++) {
        char text[IP_TEXT_SIZE];
        struct ip ip;
        snprintf(text, sizeof text, "2001:db8:1:2:%d::%d", i * 7, i);
        assert_true(ip_parse(str_of(text), &ip));
        assert_int_equal(clients_request(clients, &ip, at_ms(0), &retry_s), i < 20);
        if (i < 3) {
            assert_int_equal(clients_stream(clients, &ip, at_ms(0), &retry_s), CLIENTS_ADMITTED);
        }
    }
    struct ip same;
    struct ip other;
    struct ip four;
    assert_true(ip_parse(STR("2001:db8:1:2::ffff"), &same) &&
                ip_parse(STR("2001:db8:1:3::1"), &other) && ip_parse(STR("192.0.2.1"), &four));
    assert_false(clients_request(clients, &same, at_ms(0), &retry_s));
    assert_int_equal(clients_stream(clients, &same, at_ms(0), &retry_s), CLIENTS_TOO_MANY);
    clients_stream_closed(clients, &same); /* whichever it was */
    assert_int_equal(clients_stream(clients, &same, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    assert_true(clients_request(clients, &other, at_ms(0), &retry_s));
    assert_true(clients_request(clients, &four, at_ms(0), &retry_s));
    assert_int_equal(clients_count(clients), 3);
    clients_destroy(&clients);
}

static void who_waits_counts_as_a_stream(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    unsigned retry_s;
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    for (int i = 0; i < 20; i++) { /* however often: it takes no tokens of new streams */
        assert_true(clients_hold(clients, &a, 99, at_ms(0)));
        clients_let_go(clients, &a);
    }
    assert_true(clients_hold(clients, &a, 99, at_ms(0)));
    assert_true(clients_hold(clients, &a, 99, at_ms(0)));
    assert_false(clients_hold(clients, &a, 99, at_ms(0)));
    assert_int_equal(clients_stream(clients, &a, at_ms(0), &retry_s), CLIENTS_TOO_MANY);
    clients_destroy(&clients);
}

/* However many addresses come, memory is bounded, and their streams are still counted right. */
static void who_waits_leaves_room_for_others(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    const struct ip b = address_of(2);
    assert_true(clients_hold(clients, &a, 2, at_ms(0)));
    assert_false(clients_hold(clients, &a, 1, at_ms(0)));
    assert_true(clients_hold(clients, &b, 1, at_ms(0)));
    clients_let_go(clients, &a);
    assert_true(clients_hold(clients, &a, 1, at_ms(0)));
    clients_destroy(&clients);
}

static void strangers_share_one_entry(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    unsigned retry_s;
    for (uint32_t i = 0; i < CLIENTS_MAX + 50; i++) {
        const struct ip ip = address_of(i);
        (void)clients_request(clients, &ip, at_ms(0), &retry_s);
    }
    assert_int_equal(clients_count(clients), CLIENTS_MAX + 1);
    const struct ip late[] = {address_of(CLIENTS_MAX + 60), address_of(CLIENTS_MAX + 61),
                              address_of(CLIENTS_MAX + 62), address_of(CLIENTS_MAX + 63)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clients_stream(clients, &late[i], at_ms(0), &retry_s), CLIENTS_ADMITTED);
    }
    assert_int_equal(clients_stream(clients, &late[3], at_ms(0), &retry_s), CLIENTS_TOO_MANY);
    clients_stream_closed(clients, &late[1]);
    assert_int_equal(clients_stream(clients, &late[3], at_ms(0), &retry_s), CLIENTS_ADMITTED);
    clients_destroy(&clients);
}

static void a_subject_counts_wherever_it_comes_from(void **state)
{
    (void)state;
    const struct ip ada = clients_of_subject(STR("https://a"), STR("ada"));
    const struct ip same = clients_of_subject(STR("https://a"), STR("ada"));
    const struct ip others[] = {clients_of_subject(STR("https://a"), STR("adb")),
                                clients_of_subject(STR("https://b"), STR("ada")),
                                clients_of_subject(STR("https://aa"), STR("da")),
                                clients_of_subject(STR(""), STR("ada"))};
    struct clients *clients = clients_create(&limits);
    unsigned retry_s;
    assert_memory_equal(&ada, &same, sizeof ada);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(clients_stream(clients, &ada, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    }
    assert_int_equal(clients_stream(clients, &same, at_ms(0), &retry_s), CLIENTS_TOO_MANY);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(clients_stream(clients, &others[i], at_ms(0), &retry_s), CLIENTS_ADMITTED);
    }
    assert_int_equal(clients_count(clients), 5);
    clients_destroy(&clients);
}

/* A second's worth may be used at once, and more: the debt has to be waited for. */
static void work_is_charged_afterwards(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    const struct ip b = address_of(2);
    const uint64_t second = UINT64_C(100) * CLIENTS_STEPS_PER_MS;
    unsigned retry_s = 0;
    assert_true(clients_may_work(clients, &a, at_ms(0), &retry_s));
    assert_true(clients_charge(clients, &a, second - 1, at_ms(0)));
    assert_true(clients_may_work(clients, &a, at_ms(0), &retry_s));
    assert_false(clients_charge(clients, &a, 1 + second * 5 / 2, at_ms(0)));
    assert_false(clients_may_work(clients, &a, at_ms(0), &retry_s));
    assert_int_equal(retry_s, 3);                                   /* two and a half seconds */
    assert_true(clients_may_work(clients, &b, at_ms(0), &retry_s)); /* others do not notice */
    assert_false(clients_may_work(clients, &a, at_ms(2499), &retry_s));
    assert_int_equal(retry_s, 1);
    assert_false(clients_charge(clients, &a, 0, at_ms(2499))); /* a question */
    assert_true(clients_may_work(clients, &a, at_ms(2501), &retry_s));
    assert_true(clients_charge(clients, &a, second - 1, at_ms(60000))); /* no more than that */
    assert_false(clients_charge(clients, &a, 1, at_ms(60000)));
    clients_destroy(&clients);
}

static void who_is_in_debt_is_not_forgotten(void **state)
{
    (void)state;
    struct clients *clients = clients_create(&limits);
    const struct ip a = address_of(1);
    (void)clients_charge(clients, &a, UINT64_C(200) * CLIENTS_STEPS_PER_MS, at_ms(0));
    clients_sweep(clients, at_ms(1900));
    assert_int_equal(clients_count(clients), 1);
    clients_sweep(clients, at_ms(2100));
    assert_int_equal(clients_count(clients), 0);
    clients_destroy(&clients);
}

/* As many clients as want to take all of 100 channels: how many each gets, and how many are left.
 */
static void take_all(struct clients *clients, uint32_t hostile, size_t *unused)
{
    unsigned retry_s;
    *unused = 100;
    for (uint32_t i = 1; i <= hostile; i++) {
        const struct ip ip = address_of(i);
        assert_int_equal(clients_stream(clients, &ip, at_ms(0), &retry_s), CLIENTS_ADMITTED);
    }
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 1; i <= hostile; i++) {
            const struct ip ip = address_of(i);
            if (clients_may_add_channel(clients, &ip, *unused)) {
                clients_channel(clients, &ip, 1, true);
                --*unused;
                more = true;
            }
        }
    }
}

static void channels_are_shared(void **state)
{
    (void)state;
    static const struct {
        uint32_t hostile;
        size_t unused; /* by then */
    } cases[] = {{1, 50}, {6, 14}, {20, 4}, {49, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct clients *clients = clients_create(&limits);
        const struct ip other = address_of(9999);
        const struct ip first = address_of(1);
        size_t unused;
        take_all(clients, cases[i].hostile, &unused);
        assert_in_range(unused, cases[i].unused, cases[i].unused + 2);
        assert_true(clients_may_add_channel(clients, &other, unused)); /* there is always room */
        assert_false(clients_may_add_channel(clients, &first, unused));
        clients_channel(clients, &first, 1, false);
        assert_true(clients_may_add_channel(clients, &first, unused + 1));
        clients_destroy(&clients);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_flow_at_their_rate),
        cmocka_unit_test(streams_are_capped_and_paced),
        cmocka_unit_test(work_is_charged_afterwards),
        cmocka_unit_test(who_is_in_debt_is_not_forgotten),
        cmocka_unit_test(channels_are_shared),
        cmocka_unit_test(who_is_quiet_is_forgotten),
        cmocka_unit_test(a_network_of_ipv6_counts_as_one),
        cmocka_unit_test(who_waits_counts_as_a_stream),
        cmocka_unit_test(who_waits_leaves_room_for_others),
        cmocka_unit_test(strangers_share_one_entry),
        cmocka_unit_test(a_subject_counts_wherever_it_comes_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
