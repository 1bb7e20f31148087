/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/lengths.h"

#include "gateway/http/http_state.h"
#include "gateway/http/request.h"

void lengths_refuse(struct http *http)
{
    const struct str name = STR("Content-Length");
    for (struct request *request = http->arriving; request != NULL; request = request->next) {
        struct str value = STR("");
        if (MHD_lookup_connection_value_n(request->connection, MHD_HEADER_KIND, name.p, name.len,
                                          &value.p, &value.len) == MHD_YES) {
            const struct framing_fault *fault =
                framing_length_fault(value.p != NULL ? value : STR(""));
            if (fault != NULL) {
                request_cut(request, fault);
            }
        }
    }
}
