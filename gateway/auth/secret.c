/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/secret.h"

#include <stdint.h>
#include <stdlib.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/config/config.h"
#include "common/program/log.h"
#include "gateway/auth/watched.h"

#define SECRET_MIN 16 /* characters: fewer could be guessed */
#define SECRET_SIZE 513

struct secret {
    struct watched file;
    char text[SECRET_SIZE];
    uint64_t failures;
};

static int read_file(struct secret *secret, struct error *err)
{
    char text[SECRET_SIZE];
    struct buf unused = {0};
    /* It is read twice: watched_read says when it has to be read again, config_read_secret reads
     * secrets. */
    int status = watched_read(&secret->file, 4096, &unused, err);
    if (unused.data != NULL) {
        sodium_memzero(unused.data, unused.cap);
    }
    buf_free(&unused);
    if (status == STATUS_OK) {
        status = config_read_secret(secret->file.path, text, sizeof text, err);
    }
    if (status == STATUS_OK && strlen(text) < SECRET_MIN) {
        status = error_set(err, STATUS_INVALID,
                           "%.200s: expected a secret of at least %d characters, as `openssl rand "
                           "-hex 32` makes one",
                           secret->file.path, SECRET_MIN);
    }
    if (status == STATUS_OK) {
        memcpy(secret->text, text, sizeof text);
    }
    sodium_memzero(text, sizeof text);
    return status;
}

int secret_create(const char *path, struct secret **out, struct error *err)
{
    struct secret *secret = x_calloc(1, sizeof *secret);
    secret->file.path = path;
    *out = secret;
    const int status = read_file(secret, err);
    if (status != STATUS_OK) {
        secret_destroy(out);
    }
    return status;
}

void secret_destroy(struct secret **secret)
{
    if (*secret != NULL) {
        sodium_memzero(*secret, sizeof **secret);
        free(*secret);
        *secret = NULL;
    }
}

bool secret_refresh(struct secret *secret)
{
    struct error err = {{0}};
    if (!watched_changed(&secret->file)) {
        return false;
    }
    if (read_file(secret, &err) != STATUS_OK) {
        secret->failures++;
        log_error("%s; the secret stays as it was", err.text);
        return false;
    }
    log_info("the secret of the proxy was read again");
    return true;
}

uint64_t secret_failures(const struct secret *secret)
{
    return secret->failures;
}

bool secret_is(const struct secret *secret, struct str text)
{
    return text.p != NULL && text.len == strlen(secret->text) &&
           sodium_memcmp(text.p, secret->text, text.len) == 0;
}
