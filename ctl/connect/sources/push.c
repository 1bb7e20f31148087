/* SPDX-License-Identifier: Apache-2.0 */
/* Pushed events lie in an SQLite file, which the ingestor makes when it first leads. */
#include <errno.h>
#include <unistd.h>

#include "ctl/connect/source.h"

void connect_push(const struct config *config, struct findings *out)
{
    if (access(config->source.path, F_OK) != 0 && errno == ENOENT) {
        finding_add(out, FINDING_OK, CONNECT_SOURCE,
                    "%s is not there yet: the ingestor makes it when it starts",
                    config->source.path);
        return;
    }
    connect_sqlite(config, out);
}
