/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/program/program.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/trigger.h"

int cmd_install_trigger(const struct ctl *ctl, bool remove)
{
    struct error err = {{0}};
    int status = config_need_source(ctl->config, &err);
    if (status == STATUS_OK) {
        status = remove ? trigger_remove(ctl->config, &err) : trigger_install(ctl->config, &err);
    }
    if (status != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    fprintf(ctl->out, "the trigger on table %s is %s\n", ctl->config->source.table,
            remove ? "removed" : "installed");
    return EXIT_SUCCESS;
}
