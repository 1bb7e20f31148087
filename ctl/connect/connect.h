/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire check --connect`: tries what a configuration names. Nothing is changed anywhere, and
 * each wait has an end. */
#ifndef CTL_CONNECT_CONNECT_H
#define CTL_CONNECT_CONNECT_H

#include "ctl/base/ctl.h"
#include "ctl/connect/findings.h"

/* Tries all of it. ctl->config is that of the file. The caller frees the findings. */
void connect_try(const struct ctl *ctl, struct findings *out);

#endif
