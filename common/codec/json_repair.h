/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrites what is JSON by its grammar, but what jansson refuses as a whole: then only that member
 * is lost, and the rest can be read. Everything else is copied as it is, mistakes too, so that
 * jansson still refuses what is no JSON.
 *
 *   a string with half a surrogate pair, U+0000, or bytes that are not UTF-8  ┐
 *   a number with a fraction or an exponent that no double can hold           ├─► "\u0000"
 *   a map or a list at the depth where jansson gives up                       ┘
 *   an integer that int64 cannot hold                                ─► "\u0000" and its digits
 *   a name of a member that is such a string                                  ─► "."
 *
 * The marks cannot be forged, for a string of the text that has a U+0000 becomes a mark itself, and
 * no path can ask for the name ".".
 *
 * Pure. What comes out is at most three times as long as the text.
 */
#ifndef COMMON_CODEC_JSON_REPAIR_H
#define COMMON_CODEC_JSON_REPAIR_H

#include "common/base/buf.h"
#include "common/base/str.h"

/* Containers nested so deep are lost: jansson reads values of 2,048 levels. */
#define JSON_REPAIR_DEPTH 2048

/* Appends the text in a form that jansson reads, with JSON_ALLOW_NUL. */
void json_repair(struct str text, struct buf *out);

/* The end of the map or list that begins there, whatever is in it; the text's when it has none. */
size_t json_repair_container_end(struct str text, size_t at);

#endif
