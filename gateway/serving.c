/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/serving.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "common/program/notify.h"
#include "gateway/base/tag.h"

/* gateway.listen with another port. */
static int with_port(struct gateway *gateway, const char *port, struct error *err)
{
    const char *text = gateway->config->gateway.listen.text;
    const char *colon = strrchr(text, ':');
    if (gateway->program->listen != NULL || gateway->listen.path != NULL || colon == NULL) {
        return error_set(err, STATUS_INVALID,
                         "--port %s: expected gateway.listen to be ADDRESS:PORT, not %s, and no "
                         "--listen beside it",
                         port, gateway->program->listen != NULL ? gateway->program->listen : text);
    }
    gateway->listen_text = x_asprintf("%.*s:%s", (int)(colon - text), text, port);
    return config_parse_listen(gateway->listen_text, &gateway->listen, err);
}

int serving_find_address(struct gateway *gateway, struct error *err)
{
    const struct program *program = gateway->program;
    gateway->listen = gateway->config->gateway.listen;
    int status = STATUS_OK;
    if (program->port != NULL) {
        status = with_port(gateway, program->port, err);
    } else if (program->listen != NULL) {
        status = config_parse_listen(program->listen, &gateway->listen, err);
    }
    return status == STATUS_OK ? config_check_listen(gateway->config, &gateway->listen, err)
                               : status;
}

static bool watch_http(const struct gateway *gateway)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag_of(TAG_HTTP)};
    return epoll_ctl(gateway->epoll, EPOLL_CTL_ADD, http_epoll_fd(gateway->http), &event) == 0;
}

bool serving_is_due(const struct gateway *gateway)
{
    return !gateway->serving && !gateway->turn.draining &&
           (replica_ready(link_replica(gateway->link)) ||
            gateway->turn.now.us >= gateway->serve_at.us);
}

int serving_begin(struct gateway *gateway)
{
    struct error err = {{0}};
    int status = http_start(gateway->http, &err);
    if (status == STATUS_OK && !watch_http(gateway)) {
        status = error_set(&err, STATUS_IO, "cannot watch descriptors: %s", strerror(errno));
    }
    if (status != STATUS_OK) {
        log_error("%s", err.text);
        return status;
    }
    gateway->serving = true;
    const bool ready = replica_ready(link_replica(gateway->link));
    if (!ready) {
        log_warn("serving component=gateway listen=%s: not ready yet", gateway->listen.text);
    }
    notify_ready(ready ? "ready" : "serving; no upstream has answered yet");
    return STATUS_OK;
}

void serving_announce(struct gateway *gateway)
{
    if (gateway->serving && !gateway->announced && replica_ready(link_replica(gateway->link))) {
        gateway->announced = true;
        log_info("ready component=gateway listen=%s", gateway->listen.text);
        notify_status("ready");
    }
}
