/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of ZeroMQ: who answers there, and whether one could listen where nobody does. */
#ifndef CTL_CONNECT_PROGRAMS_H
#define CTL_CONNECT_PROGRAMS_H

#include "ctl/base/ctl.h"
#include "ctl/connect/findings.h"

void connect_try_programs(const struct ctl *ctl, struct findings *out);

#endif
