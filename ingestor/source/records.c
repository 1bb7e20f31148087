/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/records.h"

#include "common/base/error.h"
#include "common/codec/mp_check.h"

#define WHOLE_BYTES_MIN ((size_t)256 << 10)

bool records_behind(struct str journal, records_number_fn *number_of, uint64_t *number,
                    struct buf *out)
{
    struct mp_doc doc;
    bool ok = true;
    mp_doc_init(&doc);
    while (ok && journal.len != 0) {
        const size_t len = mp_length(journal.p, journal.len);
        ok = len != 0 && mp_parse(&doc, journal.p, len) == STATUS_OK;
        const uint64_t found = ok ? number_of(&doc.root) : 0;
        ok = found != 0 && found <= *number + 1;
        if (ok && found == *number + 1) {
            buf_append(out, journal.p, len);
            (*number)++;
        }
        journal = (struct str){journal.p + len, journal.len - len};
    }
    mp_doc_free(&doc);
    return ok;
}

bool records_append(size_t whole_bytes, size_t record_bytes)
{
    return record_bytes <= (whole_bytes > WHOLE_BYTES_MIN ? whole_bytes : WHOLE_BYTES_MIN);
}
