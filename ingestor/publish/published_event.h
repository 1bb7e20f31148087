/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an event is published: its members, within limits in bytes. One row must not be able to
 * stop everybody who listens, whatever is in it, and folding uses the whole row in any case.
 *
 * Texts are cut to `ingestor.limits.field` at a character's boundary. If the event is then longer
 * than `ingestor.limits.event`, the longest texts are cut further, all to the same length. A
 * payload that is JSON cannot be cut: it is left out. `truncated` names what was cut or left out.
 */
#ifndef INGESTOR_PUBLISH_PUBLISHED_EVENT_H
#define INGESTOR_PUBLISH_PUBLISHED_EVENT_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/config/config.h"
#include "common/store/event.h"

/* Appends the event's members as a MessagePack map of at most `ingestor.limits.event` bytes.
 * Returns true when something of it was cut. */
bool published_event_put(struct buf *out, const struct config *config, const struct event *event);

#endif
