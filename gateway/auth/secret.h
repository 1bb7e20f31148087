/* SPDX-License-Identifier: Apache-2.0 */
/* The secret with which a proxy proves that it is the proxy: the first line of a file, read again
 * when that has changed. One thread. */
#ifndef GATEWAY_AUTH_SECRET_H
#define GATEWAY_AUTH_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/str.h"

struct secret;

/* path: borrowed. The errors of config_read_secret. */
int secret_create(const char *path, struct secret **out, struct error *err);
void secret_destroy(struct secret **secret);

/* Reads the file if it has changed; call it about every second. A file that cannot be used leaves
 * the secret as it was. True when it is another one now. */
bool secret_refresh(struct secret *secret);

/* How often a changed file could not be used. */
uint64_t secret_failures(const struct secret *secret);

/* True when the text is the secret. How long that takes tells nothing of the secret but its
 * length. */
bool secret_is(const struct secret *secret, struct str text);

#endif
