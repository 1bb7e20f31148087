/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/judge.h"

static enum MHD_Result take_line(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    framing_line(arg, (struct str){name, name_len},
                 value != NULL ? (struct str){value, value_len} : STR(""));
    return MHD_YES;
}

const struct framing_fault *judge_framing(struct MHD_Connection *connection,
                                          struct framing_target target, const char *method,
                                          const char *version, bool *chunked)
{
    struct framing framing;
    framing_begin(&framing, method, target, version, JUDGE_MHD_IS_STRICT != 0);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_line, &framing);
    *chunked = framing.chunked;
    return framing_end(
        &framing,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}
