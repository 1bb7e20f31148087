/* SPDX-License-Identifier: Apache-2.0 */
/* Holds what libmicrohttpd hands over of a request against framing.h. */
#ifndef GATEWAY_HTTP_JUDGE_H
#define GATEWAY_HTTP_JUDGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/http/framing.h"

/* From version 1.0 on libmicrohttpd leaves blanks out; and refuses what is lenient, if it is told
 * to be strict: this is the value of MHD_OPTION_STRICT_FOR_CLIENT. */
#define JUDGE_MHD_IS_STRICT (MHD_VERSION >= 0x01000000 ? 1 : 0)

/* To be called when the handler is called with the headers, with its method and version. target: of
 * what MHD_OPTION_URI_LOG_CALLBACK had. Returns what is wrong, or NULL. *chunked: it has a
 * Transfer-Encoding. */
const struct framing_fault *judge_framing(struct MHD_Connection *connection,
                                          struct framing_target target, const char *method,
                                          const char *version, bool *chunked);

#endif
