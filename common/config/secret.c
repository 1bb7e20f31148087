/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are in files of their own or in the environment, never in the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/config/config.h"
#include "common/config/values.h"

/* Fills out with up to size bytes of the file. Returns how many, or -1 with errno. */
static ssize_t read_start(const char *path, char *out, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t len = 0;
    ssize_t got = 1;
    while (len < size && got != 0) {
        got = read(fd, out + len, size - len);
        if (got < 0 && errno != EINTR) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    const int error = errno;
    close(fd);
    errno = error;
    return got < 0 ? -1 : (ssize_t)len;
}

int config_read_secret(const char *path, char *out, size_t size, struct error *err)
{
    const ssize_t got = read_start(path, out, size);
    if (got < 0) {
        const int status = errno == ENOENT   ? STATUS_NOT_FOUND
                           : errno == EACCES ? STATUS_DENIED
                                             : STATUS_IO;
        return error_set(err, status, "%.200s: cannot be read: %s", path, strerror(errno));
    }
    const char *end = memchr(out, '\n', (size_t)got);
    size_t len = end != NULL ? (size_t)(end - out) : (size_t)got;
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

static int not_a_key(const char *path, struct error *err)
{
    return error_set(err, STATUS_INVALID,
                     "%.200s: expected a key of 40 characters on the first line, as `tilewire "
                     "keygen` writes it",
                     path);
}

static int read_key(const char *path, char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    char text[CONFIG_CURVE_KEY_SIZE + 1];
    int status = config_read_secret(path, text, sizeof text, err);
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

static int read_secret_key(const char *path, char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return error_set(err, STATUS_DENIED,
                         "%.200s: others than its owner may read it, and it is a secret key: take "
                         "that right away (chmod go= %.200s)",
                         path, path);
    }
    return read_key(path, out, err);
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
        const int status = read_key(curve->public_key_file, out->public_key, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (curve->secret_key_file != NULL) {
        return read_secret_key(curve->secret_key_file, out->secret_key, err);
    }
    if (curve->keys_folder == NULL) {
        return key_of_environment(out->secret_key, err);
    }
    char *path = x_asprintf("%s/%s.key", curve->keys_folder, config->program);
    const int status = read_secret_key(path, out->secret_key, err);
    free(path);
    return status;
}
