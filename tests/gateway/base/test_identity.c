/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may push. */
#include "gateway/base/identity.h"

#include "tests/unit.h"

static void test_only_what_is_named_may_be_pushed(void **state)
{
    (void)state;
    struct identity *ada =
        identity_create(STR("ada"), STR(""), view_everything(), WALL_NEVER, WALL_NEVER);
    const size_t bytes = identity_bytes(ada);
    assert_false(identity_may_push(ada, STR("deploy")));
    assert_false(identity_may_push(ada, STR("")));
    identity_set_pushes(ada, STR("deploy,alert.*"));
    assert_true(identity_may_push(ada, STR("deploy")));
    assert_true(identity_may_push(ada, STR("alert.disk")));
    assert_false(identity_may_push(ada, STR("deploys")));
    assert_false(identity_may_push(ada, STR("deploy,alert.disk")));
    assert_true(identity_bytes(ada) > bytes);
    identity_release(&ada);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_named_may_be_pushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
