/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/yaml.h"

#include "common/base/buf.h"
#include "tests/unit.h"

static void test_positions(void **state)
{
    (void)state;
    static const char text[] = "a: 1\n"
                               "b:\n"
                               "  - x\n"
                               "  - {c: \"\xc3\xa9\", d: null}\n"
                               "e:\n"
                               "f: |\n"
                               "  two\n"
                               "  lines\n";
    struct arena *arena = arena_create();
    struct yaml_node *root = NULL;
    assert_int_equal(yaml_parse(arena, str_of(text), "f", &root, NULL), STATUS_OK);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 4);
    assert_true(root->line == 1 && root->column == 1);
    const struct yaml_node *b = yaml_get(root, "b");
    assert_true(b->kind == YAML_LIST && b->count == 2 && b->line == 3);
    assert_true(b->key->line == 2 && b->key->column == 1);
    const struct yaml_node *map = b->first->next;
    assert_true(map->line == 4 && map->column == 5);
    assert_str(yaml_get(map, "c")->text, "\xc3\xa9");
    assert_false(yaml_get(map, "c")->plain);
    assert_true(yaml_get(map, "d")->column == 17); /* in characters, not bytes */
    assert_true(yaml_is_null(yaml_get(map, "d")));
    assert_true(yaml_is_null(yaml_get(root, "e")));
    assert_int_equal(yaml_get(root, "e")->line, 5);
    assert_str(yaml_get(root, "f")->text, "two\nlines\n");
    assert_null(yaml_get(root, "g"));
    assert_null(yaml_get(b, "g"));
    assert_null(yaml_get(NULL, "g"));
    arena_destroy(&arena);
}

static void test_scalars(void **state)
{
    (void)state;
    static const char text[] = "[true, False, yes, \"true\", 12, -1.5e3, 0x10, .inf, 1e999, \"1\", "
                               "null, ~, 1-2, +1, '', 05, -0, 1., -.5, 1e, 1e+2, 0.0, ]";
    static const char *const expected = "TF..nn....00....n...nn";
    struct arena *arena = arena_create();
    struct yaml_node *root = NULL;
    assert_int_equal(yaml_parse(arena, str_of(text), "f", &root, NULL), STATUS_OK);
    char found[32] = {0};
    size_t count = 0;
    for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
        bool boolean = false;
        double number = 0;
        found[count++] = yaml_as_bool(node, &boolean)    ? (boolean ? 'T' : 'F')
                         : yaml_as_number(node, &number) ? 'n'
                         : yaml_is_null(node)            ? '0'
                                                         : '.';
    }
    assert_string_equal(found, expected);
    arena_destroy(&arena);
}

static void refused(struct str text, const char *message)
{
    struct arena *arena = arena_create();
    struct yaml_node *root = NULL;
    struct error err = {{0}};
    assert_int_equal(yaml_parse(arena, text, "f", &root, &err), STATUS_INVALID);
    assert_null(root);
    assert_string_equal(err.text, message);
    arena_destroy(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    refused(STR(""), "f: the file is empty");
    refused(STR("# nothing\n"), "f: the file is empty");
    refused(STR("a: [1\nb: 2\n"),
            "f:3:1: this is not YAML: flow sequence without a closing bracket");
    refused(STR("a: \"x\n"), "f:1:5: this is not YAML: double-quoted scalar without closing quote");
    refused(STR("a: *\n"), "f:1:5: this is not YAML: invalid alias detected (a text that begins "
                           "with * needs quotes)");
    refused(STR("a: &x 1\n"),
            "f:1:5: YAML anchors (&name) and aliases (*name) are not supported: write the value in "
            "full, and a text that begins with & or * in quotes");
    refused(STR("a: !!int 1\n"), "f:1:4: YAML tags are not supported: write a text that begins "
                                 "with ! in quotes");
    refused(STR("a: 1\nb: 2\na: 3\n"), "f:3:1: the key \"a\" is there already, at line 1");
    refused(STR("? [a]\n: 1\n"),
            "f:1:3: expected the name of a key here, but found a list or a map");
    refused(STR("a: 1\n---\nb: 1\n"),
            "f:2:1: expected one YAML document, but a second one begins here");
    refused(STR("a: \"x\\0y\"\n"), "f:1:4: a text here may not contain a NUL character");
    refused(STR("a: 1\nb: \xff\n"), "f:2:1: this line is not UTF-8 text");
    refused(STR("a: \0\n"), "f:1:1: this line is not UTF-8 text");
}

static void test_bounds(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 100000; i++) {
        buf_append_char(&text, '[');
    }
    refused(buf_str(&text), "f:1:17: maps and lists are nested too deep here");
    buf_clear(&text);
    for (int i = 0; i <= YAML_MAP_MAX; i++) {
        buf_printf(&text, "k%d: 1\n", i);
    }
    refused(buf_str(&text), "f:1001:8: too many entries");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
