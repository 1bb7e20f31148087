/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/commands.h"

#include "tests/unit.h"

#define ADDRESS(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(ADDRESS)};
#define COUNT (sizeof commands / sizeof *commands)

static void test_every_command_says_all_of_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_non_null(commands[i]->name);
        assert_non_null(commands[i]->brief);
        assert_non_null(commands[i]->doc);
        assert_non_null(commands[i]->run);
        assert_true(!commands[i]->argument_needed || commands[i]->argument != NULL);
    }
}

static void test_options_have_a_parser_and_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true((commands[i]->options != NULL) == (commands[i]->parse != NULL));
        assert_true((commands[i]->options != NULL) == (commands[i]->options_size != 0));
    }
}

static void test_no_two_commands_have_one_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = i + 1; k < COUNT; k++) {
            assert_string_not_equal(commands[i]->name, commands[k]->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_says_all_of_itself),
        cmocka_unit_test(test_options_have_a_parser_and_a_place),
        cmocka_unit_test(test_no_two_commands_have_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
