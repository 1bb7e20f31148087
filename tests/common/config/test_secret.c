/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/config/config_unit.h"

#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static char folder[] = "/tmp/tilewire-secret-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* A file of the folder; the caller removes it. */
static const char *write_file(const char *name, const char *content, size_t len)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

static int read_secret(const char *content, size_t len, char out[16], struct error *err)
{
    const char *path = write_file("secret", content, len);
    const int status = config_read_secret(path, out, 16, err);
    unlink(path);
    return status;
}

static void test_secrets(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(read_secret("pass word\n", 10, out, NULL), STATUS_OK);
    assert_string_equal(out, "pass word");
    assert_int_equal(read_secret("x\r\nsecond line, far longer than that", 36, out, NULL),
                     STATUS_OK);
    assert_string_equal(out, "x");
    assert_int_equal(read_secret("123456789012345", 15, out, NULL), STATUS_OK);
    assert_string_equal(out, "123456789012345");
    struct error err = {{0}};
    assert_int_equal(read_secret("1234567890123456", 16, out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "/secret: expected a secret of 1 to 15 characters on the "
                                     "first line"));
    assert_null(strstr(err.text, "12345"));
    assert_int_equal(read_secret("", 0, out, &err), STATUS_INVALID);
    assert_int_equal(read_secret("\nx", 2, out, &err), STATUS_INVALID);
    assert_int_equal(read_secret("a\0b\n", 4, out, &err), STATUS_INVALID);
    assert_int_equal(config_read_secret("/nowhere/secret", out, 16, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.text, "/nowhere/secret: cannot be read: No such file or directory");
    assert_int_equal(config_read_secret("/", out, 16, &err), STATUS_IO);
}

/* A key in PEM has lines. */
static void test_secrets_of_several_lines(void **state)
{
    (void)state;
    char out[16];
    struct error err = {{0}};
    const char *path = write_file("key.pem", "one\ntwo\n", 8);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(config_read_secret_text(path, out, sizeof out, &err), STATUS_OK);
    assert_string_equal(out, "one\ntwo\n");
    assert_int_equal(config_read_secret_text(path, out, 8, &err), STATUS_INVALID);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(config_read_secret_text(path, out, sizeof out, &err), STATUS_DENIED);
    unlink(path);
    path = write_file("key.pem", "", 0);
    assert_int_equal(config_read_secret_text(path, out, sizeof out, &err), STATUS_INVALID);
    unlink(path);
}

static void test_secrets_that_everybody_can_read(void **state)
{
    (void)state;
    static const mode_t refused[] = {0604, 0602, 0644, 0444, 0646};
    static const mode_t fine[] = {0600, 0400, 0640, 0440};
    char out[16];
    struct error err = {{0}};
    const char *path = write_file("secret", "pass word\n", 10);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(chmod(path, refused[i]), 0);
        assert_int_equal(config_read_secret(path, out, sizeof out, &err), STATUS_DENIED);
        assert_non_null(strstr(err.text, "/secret: everybody may read it or write to it, and it is "
                                         "a secret: take that right away (chmod o= "));
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_int_equal(chmod(path, fine[i]), 0);
        assert_int_equal(config_read_secret(path, out, sizeof out, &err), STATUS_OK);
    }
    unlink(path);
}

/* Whoever can put another file in its place knows the secret. */
static void test_secrets_that_everybody_can_replace(void **state)
{
    (void)state;
    char out[16];
    struct error err = {{0}};
    const char *path = write_file("secret", "pass word\n", 10);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(config_read_secret(path, out, sizeof out, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "everybody can replace files in"));
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp */
    assert_int_equal(config_read_secret(path, out, sizeof out, &err), STATUS_OK);
    assert_int_equal(chmod(folder, 0700), 0);
    unlink(path);
}

static struct config *curve_config(const char *secret_key)
{
    char text[512];
    snprintf(text, sizeof text, "curve: {public_key_file: %s/public%s}\n", folder, secret_key);
    return parse_ok(text);
}

static void test_keys_in_files(void **state)
{
    (void)state;
    char secret_key[160];
    snprintf(secret_key, sizeof secret_key, ", secret_key_file: %s/secret", folder);
    struct config *config = curve_config(secret_key);
    struct config_curve_pair keys;
    struct error err = {{0}};
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_NOT_FOUND);
    write_file("public", PUBLIC "\n", 41);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_NOT_FOUND);
    write_file("secret", "too short\n", 10);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "/secret: expected a key of 40 characters on the first line, "
                                     "as `tilewire keygen` writes it"));
    write_file("secret", SECRET, 40);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_OK);
    assert_string_equal(keys.public_key, PUBLIC);
    assert_string_equal(keys.secret_key, SECRET);
    assert_int_equal(chmod(config->curve.public_key_file, 0644), 0); /* it is no secret */
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_OK);
    assert_int_equal(chmod(config->curve.public_key_file, 0646), 0);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "/public: everybody may write to it: take that right away"));
    unlink(config->curve.public_key_file);
    unlink(config->curve.secret_key_file);
    config_destroy(&config);
}

/* Each program has its own file in the folder. */
static void test_keys_in_a_folder(void **state)
{
    (void)state;
    char text[128];
    snprintf(text, sizeof text, "curve: {keys_folder: %s}\n", folder);
    struct config *config = parse_ok(text);
    struct config_curve_pair keys;
    struct error err = {{0}};
    config->program = "cache";
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "/cache.key: cannot be read: No such file or directory"));
    const char *path = write_file("cache.key", SECRET "\n", 41);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_OK);
    assert_string_equal(keys.secret_key, SECRET);
    assert_string_equal(keys.public_key, "");
    unlink(path);
    config_destroy(&config);
}

static void test_secret_keys_that_others_can_read(void **state)
{
    (void)state;
    static const mode_t refused[] = {0640, 0604, 0620, 0602, 0644, 0610};
    static const mode_t fine[] = {0600, 0400, 0700};
    char text[128];
    snprintf(text, sizeof text, "curve: {secret_key_file: %s/secret}\n", folder);
    struct config *config = parse_ok(text);
    struct config_curve_pair keys;
    struct error err = {{0}};
    const char *path = write_file("secret", SECRET "\n", 41);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(chmod(path, refused[i]), 0);
        assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_DENIED);
        assert_non_null(strstr(err.text, "/secret: others than its owner may read it, and it is a "
                                         "secret key: take that right away (chmod go= "));
        assert_string_equal(keys.secret_key, "");
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_int_equal(chmod(path, fine[i]), 0);
        assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_OK);
    }
    unlink(path);
    config_destroy(&config);
}

/* Kubernetes gives a pod's files to root, and to the pod's group (fsGroup). */
static void test_secret_keys_of_root_are_for_a_group(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* nobody else can make a file of root's */
    }
    char text[128];
    snprintf(text, sizeof text, "curve: {secret_key_file: %s/secret}\n", folder);
    struct config *config = parse_ok(text);
    struct config_curve_pair keys;
    struct error err = {{0}};
    const char *path = write_file("secret", SECRET "\n", 41);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chown(path, 0, 10001), 0);
    assert_int_equal(setegid(10001), 0);
    assert_int_equal(seteuid(10001), 0);
    static const mode_t refused[] = {0460, 0450, 0444, 0442};
    for (size_t i = 0; i <= sizeof refused / sizeof *refused; i++) {
        const bool fine = i == sizeof refused / sizeof *refused;
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(chmod(path, fine ? 0440 : refused[i]), 0);
        assert_int_equal(seteuid(10001), 0);
        assert_int_equal(config_curve_keys(config, &keys, &err), fine ? STATUS_OK : STATUS_DENIED);
        assert_string_equal(keys.secret_key, fine ? SECRET : "");
    }
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(chown(path, 10001, 10001), 0);
    assert_int_equal(seteuid(10001), 0);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_DENIED); /* its own */
    assert_int_equal(seteuid(0), 0);
    unlink(path);
    config_destroy(&config);
}

static void test_key_in_the_environment(void **state)
{
    (void)state;
    struct config *config = curve_config("");
    write_file("public", PUBLIC "\n", 41);
    struct config_curve_pair keys;
    struct error err = {{0}};
    unsetenv("TILEWIRE_CURVE_SECRET_KEY");
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_INVALID);
    assert_string_equal(err.text, "curve: expected the secret key, 40 characters, in a file "
                                  "(keys_folder, secret_key_file) or in TILEWIRE_CURVE_SECRET_KEY");
    setenv("TILEWIRE_CURVE_SECRET_KEY", SECRET, 1);
    assert_int_equal(config_curve_keys(config, &keys, &err), STATUS_OK);
    assert_string_equal(keys.secret_key, SECRET);
    unsetenv("TILEWIRE_CURVE_SECRET_KEY");
    unlink(config->curve.public_key_file);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_secrets_of_several_lines),
        cmocka_unit_test(test_secrets_that_everybody_can_read),
        cmocka_unit_test(test_secrets_that_everybody_can_replace),
        cmocka_unit_test(test_keys_in_files),
        cmocka_unit_test(test_keys_in_a_folder),
        cmocka_unit_test(test_secret_keys_that_others_can_read),
        cmocka_unit_test(test_secret_keys_of_root_are_for_a_group),
        cmocka_unit_test(test_key_in_the_environment),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
