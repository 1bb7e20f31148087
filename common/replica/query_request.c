/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_request.h"

#include "common/codec/mp.h"

void query_request_begin(struct query_request *request, const char *op)
{
    *request = (struct query_request){0};
    query_request_text(request, QUERY_ARG_OP, str_of(op));
}

struct buf *query_request_member(struct query_request *request, const char *name)
{
    mp_put_text(&request->members, name);
    request->count++;
    return &request->members;
}

void query_request_text(struct query_request *request, const char *name, struct str value)
{
    mp_put_str(query_request_member(request, name), value);
}

void query_request_uint(struct query_request *request, const char *name, uint64_t value)
{
    mp_put_uint(query_request_member(request, name), value);
}

void query_request_finish(struct query_request *request, struct buf *out)
{
    mp_put_map(out, request->count);
    buf_append_str(out, buf_str(&request->members));
    buf_free(&request->members);
}
