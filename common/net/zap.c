/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/zap.h"

#include <string.h>

#define VERSION "1.0"

enum {
    FRAME_VERSION,
    FRAME_ID,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY
};

/* Sockets that listen for both families show IPv4 within IPv6. */
static struct str without_mapping(struct str address)
{
    static const struct str mapping = {"::ffff:", 7};
    const bool mapped = address.len > mapping.len && memcmp(address.p, mapping.p, mapping.len) == 0;
    return mapped ? (struct str){address.p + mapping.len, address.len - mapping.len} : address;
}

bool zap_read(const struct str *frames, size_t count, struct zap_request *out)
{
    if (count != ZAP_REQUEST_FRAMES || !str_is(frames[FRAME_VERSION], VERSION) ||
        !str_is(frames[FRAME_MECHANISM], "CURVE") || frames[FRAME_KEY].len != ZAP_KEY_BYTES) {
        return false;
    }
    *out = (struct zap_request){
        .id = frames[FRAME_ID],
        .domain = frames[FRAME_DOMAIN],
        .address = without_mapping(frames[FRAME_ADDRESS]),
        .key = (const unsigned char *)frames[FRAME_KEY].p,
    };
    return true;
}

void zap_reply(const struct zap_request *request, const char *user,
               struct str out[ZAP_REPLY_FRAMES])
{
    out[0] = STR(VERSION);
    out[1] = request->id;
    out[2] = user != NULL ? STR("200") : STR("400");
    out[3] = user != NULL ? STR("OK") : STR("refused");
    out[4] = user != NULL ? str_of(user) : STR("");
    out[5] = STR("");
}
