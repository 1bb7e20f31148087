/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/ws.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <czmq.h>

#include "gateway/api/api.h"
#include "gateway/api/open_stream.h"
#include "gateway/api/origin.h"
#include "gateway/http/reply.h"
#include "gateway/ws/request.h"

#define PROTOCOL "tilewire.v1"
#define KEY_LEN 24 /* 16 bytes in base64, with the padding */

bool api_ws_key_valid(struct str key)
{
    if (key.len != KEY_LEN || key.p[KEY_LEN - 1] != '=' || key.p[KEY_LEN - 2] != '=') {
        return false;
    }
    for (size_t i = 0; i < KEY_LEN - 2; i++) {
        const unsigned char c = (unsigned char)key.p[i];
        if (isalnum(c) == 0 && c != '+' && c != '/') {
            return false;
        }
    }
    /* The last four bits of the last digit belong to none of the 16 bytes. */
    return strchr("AQgw", key.p[KEY_LEN - 3]) != NULL;
}

void api_ws_append_accept(struct buf *out, struct str key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    zdigest_t *digest = zdigest_new();
    zarmour_t *armour = zarmour_new();
    zdigest_update(digest, (const byte *)key.p, key.len);
    zdigest_update(digest, (const byte *)guid, sizeof guid - 1);
    zarmour_set_mode(armour, ZARMOUR_MODE_BASE64_STD);
    char *text = zarmour_encode(armour, zdigest_data(digest), zdigest_size(digest));
    buf_append_text(out, text);
    free(text);
    zarmour_destroy(&armour);
    zdigest_destroy(&digest);
}

/* True when the token is in the list, `keep-alive, Upgrade`. */
static bool has_token(const char *list, const char *token)
{
    const size_t len = strlen(token);
    for (const char *p = list; p != NULL && *p != '\0';) {
        p += strspn(p, " \t,");
        const size_t item = strcspn(p, ",");
        size_t trimmed = item;
        while (trimmed != 0 && (p[trimmed - 1] == ' ' || p[trimmed - 1] == '\t')) {
            trimmed--;
        }
        if (trimmed == len && strncasecmp(p, token, len) == 0) {
            return true;
        }
        p += item;
    }
    return false;
}

/* True when `"*"` alone lets the page in, though its user's browser adds credentials by itself:
 * what the user may see would be read by any page that the user looks at. */
static bool is_anybodys(const struct request *request)
{
    return request->identity != NULL && request->ambient && strcmp(request->origin, "*") == 0;
}

/* Browsers let any page open any WebSocket, and leave the decision to the server. */
static bool origin_allowed(const struct request *request)
{
    const char *origin = request_header(request, "Origin");
    if (origin == NULL || (request->origin != NULL && !is_anybodys(request))) {
        return true; /* it is no browser, or a page of one of cors_origins */
    }
    return origin_is_own(request, origin);
}

static enum MHD_Result refuse(struct request *request, unsigned status, const char *detail)
{
    api_of(request)->counters.ws_refused++;
    return reply_problem(request, status, detail, 0);
}

static enum MHD_Result refuse_upgrade(struct request *request, const char *detail)
{
    static const char *const headers[] = {
        "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", NULL};
    api_of(request)->counters.ws_refused++;
    return reply_problem_with(request, MHD_HTTP_UPGRADE_REQUIRED, detail, 0, headers);
}

static void put_head(const struct request *request, const struct stream_request *stream,
                     struct buf *out)
{
    (void)stream;
    const char *protocols = request_header(request, "Sec-WebSocket-Protocol");
    buf_append_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    api_ws_append_accept(out, str_of(request_header(request, "Sec-WebSocket-Key")));
    buf_append_text(out, protocols != NULL ? "\r\nSec-WebSocket-Protocol: " PROTOCOL : "");
    buf_append_text(out, "\r\n\r\n");
}

enum MHD_Result api_ws_open(struct request *request)
{
    const char *key = request_header(request, "Sec-WebSocket-Key");
    const char *version = request_header(request, "Sec-WebSocket-Version");
    const char *protocols = request_header(request, "Sec-WebSocket-Protocol");
    if (request->head || !has_token(request_header(request, "Upgrade"), "websocket") ||
        !has_token(request_header(request, "Connection"), "Upgrade")) {
        return refuse_upgrade(request, "This is a WebSocket: ask with Connection: Upgrade and "
                                       "Upgrade: websocket.");
    }
    if (version == NULL || strcmp(version, "13") != 0) {
        return refuse_upgrade(request, "Version 13 of WebSocket is spoken here.");
    }
    if (key == NULL || !api_ws_key_valid(str_of(key))) {
        return refuse(request, MHD_HTTP_BAD_REQUEST,
                      "Sec-WebSocket-Key has to be 16 bytes in base64.");
    }
    if (protocols != NULL && !has_token(protocols, PROTOCOL)) {
        return refuse(request, MHD_HTTP_BAD_REQUEST,
                      "The subprotocol here is " PROTOCOL "; ask for that, or for none.");
    }
    if (!origin_allowed(request)) {
        api_of(request)->counters.ws_origin_refused++;
        return refuse(request, MHD_HTTP_FORBIDDEN,
                      "Pages of this origin may not connect; gateway.cors_origins lists those that "
                      "may.");
    }
    if (request->http_1_0 || request_has_followers(request)) {
        return refuse(request, MHD_HTTP_BAD_REQUEST,
                      "A handshake is HTTP/1.1, and nothing follows it before its answer.");
    }
    struct stream_request stream = {.kind = CHANNEL_WS_IDLE};
    selection_none(&stream.selection);
    return open_stream(request, &stream, put_head);
}
