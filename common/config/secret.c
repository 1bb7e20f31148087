/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are in files of their own or in the environment, never in the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int read_key(const char *path, char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    char text[CONFIG_CURVE_KEY_SIZE + 1];
    int status = config_read_secret(path, text, sizeof text, err);
    if (status == STATUS_OK && !config_curve_key_valid(str_of(text))) {
        status = error_set(err, STATUS_INVALID,
                           "%.200s: expected a key of 40 characters on the first line, as "
                           "curve_keygen prints it",
                           path);
    }
    if (status == STATUS_OK) {
        memcpy(out, text, CONFIG_CURVE_KEY_SIZE);
    }
    explicit_bzero(text, sizeof text);
    return status;
}

int config_curve_keys(const struct config *config, struct config_curve_pair *out, struct error *err)
{
    int status = read_key(config->curve.public_key_file, out->public_key, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (config->curve.secret_key_file != NULL) {
        return read_key(config->curve.secret_key_file, out->secret_key, err);
    }
    const char *secret = getenv("TILEWIRE_CURVE_SECRET_KEY");
    if (secret == NULL || !config_curve_key_valid(str_of(secret))) {
        return error_set(err, STATUS_INVALID,
                         "curve: expected the secret key, 40 characters, in a file "
                         "(secret_key_file) or in TILEWIRE_CURVE_SECRET_KEY");
    }
    memcpy(out->secret_key, secret, CONFIG_CURVE_KEY_SIZE);
    return STATUS_OK;
}
