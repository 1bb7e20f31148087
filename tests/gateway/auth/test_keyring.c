/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys, as they come, change and break. */
#include "gateway/auth/keyring.h"

#include "tests/gateway/auth/auth_unit.h"

#define ED                                                                                         \
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static bool has(const struct keyring *keyring, const char *issuer, const char *kid)
{
    return keyring_issuer_key(keyring_issuer(keyring, str_of(issuer)), str_of(kid)) != NULL;
}

static void test_keys_are_found_by_issuer_and_kid(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_write_keys(&scene, 1, scene.keys[1], "other");
    struct keyring *keyring = scene_keyring(&scene);
    assert_true(has(keyring, "https://a", "k"));
    assert_true(has(keyring, "https://b", "other"));
    assert_false(has(keyring, "https://a", "other"));
    assert_false(has(keyring, "https://b", "k"));
    assert_null(keyring_issuer(keyring, STR("https://c")));
    assert_null(keyring_issuer(keyring, STR_NULL));
    assert_int_equal(keyring_count(keyring), 2);
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_a_changed_file_is_read_again(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    assert_false(keyring_refresh(keyring));
    scene_write_keys(&scene, 0, scene.keys[0], "new-kid");
    assert_true(keyring_refresh(keyring));
    assert_true(has(keyring, "https://a", "new-kid"));
    assert_false(has(keyring, "https://a", "k"));
    assert_true(has(keyring, "https://b", "k"));
    assert_false(keyring_refresh(keyring));
    /* All keys withdrawn: no token is good any more. */
    write_file(scene.paths[0], "{\"keys\":[]}");
    assert_true(keyring_refresh(keyring));
    assert_false(has(keyring, "https://a", "new-kid"));
    keyring_destroy(&keyring);
    scene_end(&scene);
}

/* Each is told of once, and changes nothing. */
static void test_a_file_that_cannot_be_used_leaves_the_keys(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "{\"keys\":[{" ED ",\"kid\":\"k2\"}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[{" ED "}]}",
        "{\"keys\":[{" ED ",\"kid\":\"x\"},{" ED ",\"kid\":\"x\"}]}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[{" ED ",\"kid\":\"x\",\"d\":\"AAAA\"}]}",
    };
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    uint64_t failures = 0;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_file(scene.paths[0], broken[i]);
        assert_false(keyring_refresh(keyring));
        assert_false(keyring_refresh(keyring));
        if (keyring_failures(keyring) != ++failures) {
            fail_msg("accepted: %s", broken[i]);
        }
        assert_true(has(keyring, "https://a", "k"));
    }
    assert_int_equal(unlink(scene.paths[0]), 0);
    assert_false(keyring_refresh(keyring));
    assert_false(keyring_refresh(keyring));
    assert_int_equal(keyring_failures(keyring), failures + 1);
    scene_write_keys(&scene, 0, scene.keys[0], "back");
    assert_int_equal(chmod(scene.paths[0], 0666), 0);
    assert_false(keyring_refresh(keyring));
    assert_true(has(keyring, "https://a", "k"));
    assert_int_equal(chmod(scene.paths[0], 0644), 0);
    assert_true(keyring_refresh(keyring));
    assert_true(has(keyring, "https://a", "back"));
    /* Everybody may put another file in its place. */
    scene_write_keys(&scene, 0, scene.keys[0], "replaced");
    assert_int_equal(chmod(scene.folder, 0777), 0);
    assert_false(keyring_refresh(keyring));
    assert_true(has(keyring, "https://a", "back"));
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_keys_for_something_else_are_passed_over(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    write_file(scene.paths[0], "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"kid\":\"k\"},{" ED
                               ",\"use\":\"enc\",\"kid\":\"e\"},{" ED ",\"kid\":\"s\"}]}");
    struct keyring *keyring = scene_keyring(&scene);
    assert_false(has(keyring, "https://a", "k"));
    assert_false(has(keyring, "https://a", "e"));
    assert_true(has(keyring, "https://a", "s"));
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_there_is_no_start_without_keys(void **state)
{
    (void)state;
    struct scene scene;
    struct keyring *keyring = NULL;
    struct error err = {{0}};
    char expected[128];
    scene_begin(&scene);
    write_file(scene.paths[1], "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\"}]}");
    assert_int_equal(keyring_create(&scene.config, &keyring, &err), STATUS_INVALID);
    snprintf(expected, sizeof expected, "%s: key 1: `x` of the EC key is not what it has to be",
             scene.paths[1]);
    assert_string_equal(err.text, expected);
    assert_null(keyring);
    assert_int_equal(unlink(scene.paths[1]), 0);
    assert_int_equal(keyring_create(&scene.config, &keyring, &err), STATUS_IO);
    snprintf(expected, sizeof expected, "%s: cannot be read: No such file or directory",
             scene.paths[1]);
    assert_string_equal(err.text, expected);
    scene_end(&scene);
}

static void test_a_set_is_bounded(void **state)
{
    (void)state;
    struct scene scene;
    struct keyring *keyring = NULL;
    struct buf set = {0};
    scene_begin(&scene);
    buf_append_text(&set, "{\"keys\":[");
    for (int i = 0; i <= KEYRING_KEYS_MAX; i++) {
        buf_printf(&set, "%s{" ED ",\"kid\":\"%d\"}", i != 0 ? "," : "", i);
    }
    buf_append_text(&set, "]}");
    write_file(scene.paths[0], buf_cstr(&set));
    assert_int_equal(keyring_create(&scene.config, &keyring, NULL), STATUS_FULL);
    buf_clear(&set);
    while (set.len <= KEYRING_FILE_MAX) {
        buf_append_text(&set, "                                                                ");
    }
    write_file(scene.paths[0], buf_cstr(&set));
    assert_int_equal(keyring_create(&scene.config, &keyring, NULL), STATUS_FULL);
    buf_free(&set);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_found_by_issuer_and_kid),
        cmocka_unit_test(test_a_changed_file_is_read_again),
        cmocka_unit_test(test_a_file_that_cannot_be_used_leaves_the_keys),
        cmocka_unit_test(test_keys_for_something_else_are_passed_over),
        cmocka_unit_test(test_there_is_no_start_without_keys),
        cmocka_unit_test(test_a_set_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
