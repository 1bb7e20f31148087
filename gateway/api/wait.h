/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long-polling: a request that wants to wait is suspended, which takes it out of libmicrohttpd's
 * loop and timeouts, and resumed when waiting.h wakes it; its handler is then called once more.
 *
 *   handler: nothing new ─► wait_for_change ─► suspended ─► wait_wake ─► handler, once more
 */
#ifndef GATEWAY_API_WAIT_H
#define GATEWAY_API_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/selection.h"
#include "gateway/http/request.h"
#include "gateway/http/waiting.h"

#define WAIT_MAX_MS 60000
#define WAIT_RESUME_MS 2000 /* Shorter than clients wait for an answer. */
#define WAIT_TEXT_SIZE 32

/* Reads the parameter `wait`. False when it is wrong: *result is then what the handler returns. */
bool wait_parse(struct request *request, enum MHD_Result *result);

/* For a list of headers: the name of the one that says that `wait` was understood, and its value;
 * NULL when it was not asked for. */
const char *wait_header(const struct request *request, char value[WAIT_TEXT_SIZE]);

/*
 * Tells a handler that has nothing new what to do. True: it returns *result, and the selection was
 * taken over. Either the request waits now, and its handler is called again when something selected
 * changes, or, with waited_enough, when it has to answer in any case; or there was no room to wait,
 * and the request was refused. False: it answers at once, and keeps the selection.
 */
bool wait_for_change(struct request *request, enum waiting_for what, struct selection *selection,
                     enum MHD_Result *result);

/*
 * Tells a handler what to do with a request that wants to go on after an event that is not here;
 * perhaps the client comes from a gateway that is ahead of this one. True: the handler returns
 * *result, and is called again when the event has come, or after WAIT_RESUME_MS. False: it answers
 * at once, because the request is not to wait (any more), or there is no room.
 */
bool wait_to_resume(struct request *request, struct event_id event_id, enum MHD_Result *result);

/* The `wake` of waiting_create; arg: the struct api. */
void wait_wake(void *arg, struct waiting_item *item, enum waiting_end reason);

/* The gateway calls this when epoll (TAG_WAITING) says that the client of a waiting request is
 * gone. */
void wait_client_gone(struct request *request);

#endif
