/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a connection away from libmicrohttpd. With MHD_USE_TURBO a handler may duplicate the
 * socket and return MHD_NO: MHD then frees what it holds and closes its own descriptor, without a
 * shutdown(), so the duplicate lives on. This rests on one line of microhttpd.h ("MHD_USE_TURBO …
 * MHD may not use shutdown()"), so it is tried at each start.
 */
#ifndef GATEWAY_HTTP_DETACH_H
#define GATEWAY_HTTP_DETACH_H

#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>

#include "common/base/error.h"

/* The flags with which libmicrohttpd is run, and tried. */
#define DETACH_MHD_FLAGS                                                                           \
    (MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG)

/* A duplicate of the connection's socket, or -1. The handler must return MHD_NO next. */
int detach_socket(struct MHD_Connection *connection);

/* How many bytes libmicrohttpd has read off the connection since it began; -1 when the kernel does
 * not tell. What it has read behind the request that is answered is lost to whoever detaches. */
int64_t detach_bytes_read(struct MHD_Connection *connection);

/* Detaches a real connection over the loopback and writes to it afterwards, and holds its request
 * against framing.h. STATUS_IO when that does not work with the libmicrohttpd that was found. Takes
 * some milliseconds. */
int detach_self_test(struct error *err);

/* For MHD_OPTION_EXTERNAL_LOGGER: passes MHD's lines on to the log, but for the one that each
 * detaching brings. */
void detach_logger(void *arg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#endif
