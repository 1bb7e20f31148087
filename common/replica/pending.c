/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/pending.h"

bool pending_insert(struct pending *pending, struct version version,
                    const struct str frames[WIRE_FRAMES])
{
    struct pending_message *before = pending->last;
    int order = -1;
    while (before != NULL && (order = version_compare(before->version, version)) > 0) {
        before = before->prev;
    }
    if (before != NULL && order == 0) {
        return false;
    }
    struct pending_message *message = x_calloc(1, sizeof *message);
    message->version = version;
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        message->frames[i] = blob_new(frames[i]);
        pending->bytes += frames[i].len;
    }
    message->prev = before;
    message->next = before != NULL ? before->next : pending->first;
    *(before != NULL ? &before->next : &pending->first) = message;
    *(message->next != NULL ? &message->next->prev : &pending->last) = message;
    pending->count++;
    return true;
}

void pending_drop_first(struct pending *pending)
{
    struct pending_message *message = pending->first;
    pending->first = message->next;
    *(message->next != NULL ? &message->next->prev : &pending->last) = NULL;
    pending->count--;
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        pending->bytes -= message->frames[i]->len;
        blob_unref(&message->frames[i]);
    }
    free(message);
}

void pending_clear(struct pending *pending)
{
    while (pending->first != NULL) {
        pending_drop_first(pending);
    }
}
