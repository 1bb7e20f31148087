/* SPDX-License-Identifier: Apache-2.0 */
/* Pushed events, which an ingestor stores in an SQLite file: they are read as any table there. */
#include "ctl/oracle/source.h"

int oracle_push_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    return oracle_sqlite_open(config, out, err);
}
