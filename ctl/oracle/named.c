/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/named.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/fnv.h"
#include "common/wire/tally.h"

int64_t oracle_named_key(const char *name, struct str id)
{
    struct buf whole = {0};
    buf_printf(&whole, "%s-", name);
    buf_append_str(&whole, id);
    const int64_t key = tally_id(event_id_of_text(buf_str(&whole)));
    buf_free(&whole);
    return key;
}

uint64_t oracle_named_stream(const char *name, uint64_t stream)
{
    const uint64_t digest = fnv1a(FNV_BEGIN, str_of(name)) + stream;
    return digest != 0 ? digest : 1;
}

size_t oracle_named_source(const struct config *config, struct str id, struct str *rest)
{
    *rest = id;
    if (!oracle_has_names(config)) {
        return 0;
    }
    for (size_t i = 0; i < config->source_count; i++) {
        const size_t len = strlen(config->sources[i].name);
        if (id.len > len && memcmp(id.p, config->sources[i].name, len) == 0 && id.p[len] == '-') {
            *rest = (struct str){id.p + len + 1, id.len - len - 1};
            return i;
        }
    }
    return SIZE_MAX;
}
