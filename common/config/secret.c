/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are in files of their own or in the environment, never in the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/own_file.h"
#include "common/base/xalloc.h"
#include "common/config/config.h"
#include "common/config/file/values.h"

/* What others may not do with a file, and what it says then. */
struct privacy {
    mode_t forbidden;
    const char *fault; /* with the command that mends it, before the path */
};
static const struct privacy of_secrets = {
    S_IROTH | S_IWOTH, "everybody may read it or write to it, and it is a secret: take that right "
                       "away (chmod o="};
static const struct privacy of_secret_keys = {
    S_IRWXG | S_IRWXO, "others than its owner may read it, and it is a secret key: take that right "
                       "away (chmod go="};
/* A file of root's is let to a program by its group, as Kubernetes does it: there is no other way
 * but to make it the program's own. */
static const struct privacy of_secret_keys_of_root = {
    S_IWGRP | S_IXGRP | S_IRWXO, "others than its group may read it, or its group may write to it, "
                                 "and it is a secret key: take that right away (chmod g=r,o="};
static const struct privacy of_public_keys = {
    S_IWOTH, "everybody may write to it: take that right away (chmod o-w"};

/* Only files: a pipe is nobody's but its ends'. Whoever can put another file in its place knows
 * what is in that. */
static int check_privacy(int fd, const char *path, const struct privacy *privacy, struct error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return STATUS_OK;
    }
    if (privacy == &of_secret_keys && info.st_uid == 0 && geteuid() != 0) {
        privacy = &of_secret_keys_of_root;
    }
    if ((info.st_mode & privacy->forbidden) != 0) {
        return error_set(err, STATUS_DENIED, "%.200s: %s %.200s)", path, privacy->fault, path);
    }
    return own_folder_check(path, err);
}

/* Fills out with up to size bytes of the file, and says how many; false with errno. */
static bool read_start(int fd, char *out, size_t size, size_t *len)
{
    ssize_t got = 1;
    *len = 0;
    while (*len < size && got != 0) {
        got = read(fd, out + *len, size - *len);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        *len += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static int cannot_read(const char *path, struct error *err)
{
    const int status = errno == ENOENT   ? STATUS_NOT_FOUND
                       : errno == EACCES ? STATUS_DENIED
                                         : STATUS_IO;
    return error_set(err, status, "%.200s: cannot be read: %s", path, strerror(errno));
}

/* Reads up to size bytes of the file, *got of them. */
static int read_file(const char *path, const struct privacy *privacy, char *out, size_t size,
                     size_t *got, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? cannot_read(path, err) : check_privacy(fd, path, privacy, err);
    if (status == STATUS_OK && !read_start(fd, out, size, got)) {
        status = cannot_read(path, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static int read_line(const char *path, const struct privacy *privacy, char *out, size_t size,
                     struct error *err)
{
    size_t got = 0;
    const int status = read_file(path, privacy, out, size, &got, err);
    if (status != STATUS_OK) {
        return status;
    }
    const char *end = memchr(out, '\n', got);
    size_t len = end != NULL ? (size_t)(end - out) : got;
    if (len > 0 && out[len - 1] == '\r' && end != NULL) {
        len--;
    }
    if (len == 0 || len >= size || memchr(out, '\0', len) != NULL) {
        explicit_bzero(out, size);
        return error_set(err, STATUS_INVALID,
                         "%.200s: expected a secret of 1 to %zu characters on the first line", path,
                         size - 1);
    }
    explicit_bzero(out + len, size - len);
    return STATUS_OK;
}

int config_read_secret(const char *path, char *out, size_t size, struct error *err)
{
    return read_line(path, &of_secrets, out, size, err);
}

int config_read_secret_text(const char *path, char *out, size_t size, struct error *err)
{
    size_t got = 0;
    const int status = read_file(path, &of_secrets, out, size, &got, err);
    if (status == STATUS_OK && (got == 0 || got >= size || memchr(out, '\0', got) != NULL)) {
        explicit_bzero(out, size);
        return error_set(err, STATUS_INVALID, "%.200s: expected a text of 1 to %zu bytes", path,
                         size - 1);
    }
    if (status == STATUS_OK) {
        explicit_bzero(out + got, size - got);
    }
    return status;
}

static int not_a_key(const char *path, struct error *err)
{
    return error_set(err, STATUS_INVALID,
                     "%.200s: expected a key of 40 characters on the first line, as `tilewire "
                     "keygen` writes it",
                     path);
}

static int read_key(const char *path, const struct privacy *privacy,
                    char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    char text[CONFIG_CURVE_KEY_SIZE + 1];
    int status = read_line(path, privacy, text, sizeof text, err);
    if (status == STATUS_INVALID ||
        (status == STATUS_OK && !config_curve_key_valid(str_of(text)))) {
        status = not_a_key(path, err);
    }
    if (status == STATUS_OK) {
        memcpy(out, text, CONFIG_CURVE_KEY_SIZE);
    }
    explicit_bzero(text, sizeof text);
    return status;
}

static int key_of_environment(char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    const char *secret = getenv("TILEWIRE_CURVE_SECRET_KEY");
    if (secret == NULL || !config_curve_key_valid(str_of(secret))) {
        return error_set(err, STATUS_INVALID,
                         "curve: expected the secret key, 40 characters, in a file (keys_folder, "
                         "secret_key_file) or in TILEWIRE_CURVE_SECRET_KEY");
    }
    memcpy(out, secret, CONFIG_CURVE_KEY_SIZE);
    return STATUS_OK;
}

int config_curve_keys(const struct config *config, struct config_curve_pair *out, struct error *err)
{
    const struct config_curve *curve = &config->curve;
    *out = (struct config_curve_pair){{0}, {0}};
    if (curve->public_key_file != NULL) {
        const int status = read_key(curve->public_key_file, &of_public_keys, out->public_key, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (curve->secret_key_file != NULL) {
        return read_key(curve->secret_key_file, &of_secret_keys, out->secret_key, err);
    }
    if (curve->keys_folder == NULL) {
        return key_of_environment(out->secret_key, err);
    }
    char *path = x_asprintf("%s/%s.key", curve->keys_folder, config->program);
    const int status = read_key(path, &of_secret_keys, out->secret_key, err);
    free(path);
    return status;
}
