# SPDX-License-Identifier: Apache-2.0
# Gateways behind Varnish (7.0 or later). A complete file: put it at /etc/varnish/default.vcl, and start Varnish with
#   varnishd -f /etc/varnish/default.vcl -a 127.0.0.1:6081,PROXY -p thread_pool_max=10000 -p timeout_idle=30
# A stream has two threads for as long as it is open, and Varnish has 10,000 unless told: with this, 20,000 (two pools).
# It speaks no TLS. Who does it in front of it (HAProxy with `send-proxy-v2`, hitch) tells it by the PROXY protocol who the client is; a
# browser's streams share one connection then as far as that one, which speaks HTTP/2.
#
# The gateways have to know the proxy, so that limits count for each client and not for Varnish, and the names that browsers ask for,
# without which they get 421:
#   gateway: {listen: "127.0.0.1:8080", trusted_proxies: [127.0.0.1], hosts: [tiles.example.org]}
vcl 4.1;

import directors;
import std;

# A gateway that is not in sync, or is being stopped, gets nothing new.
probe ready {
    .url = "/readyz";
    .interval = 1s;
    .timeout = 1s;
    .window = 2;
    .threshold = 2;
    .initial = 2;
}

# A stream has a heartbeat every 15 s (gateway.heartbeat), and a request waits 60 s at most.
backend gateway1 { .host = "127.0.0.1"; .port = "8080"; .probe = ready; .connect_timeout = 2s; .first_byte_timeout = 75s; .between_bytes_timeout = 75s; }
backend gateway2 { .host = "127.0.0.1"; .port = "8081"; .probe = ready; .connect_timeout = 2s; .first_byte_timeout = 75s; .between_bytes_timeout = 75s; }

# The same, as they are: with none that is ready, because the ingestor is gone, say, they still have the page and the tiles as they were.
backend gateway1_as_it_is { .host = "127.0.0.1"; .port = "8080"; .connect_timeout = 2s; .first_byte_timeout = 75s; .between_bytes_timeout = 75s; }
backend gateway2_as_it_is { .host = "127.0.0.1"; .port = "8081"; .connect_timeout = 2s; .first_byte_timeout = 75s; .between_bytes_timeout = 75s; }

acl operators { "127.0.0.1"; }

sub vcl_init {
    new gateways = directors.round_robin();
    gateways.add_backend(gateway1);
    gateways.add_backend(gateway2);
    new gateways_as_they_are = directors.round_robin();
    gateways_as_they_are.add_backend(gateway1_as_it_is);
    gateways_as_they_are.add_backend(gateway2_as_it_is);
}

sub choose {
    set req.backend_hint = gateways.backend();
    if (!std.healthy(req.backend_hint)) {
        set req.backend_hint = gateways_as_they_are.backend();
    }
}

sub vcl_recv {
    # Who the client is. What it says itself about that must not get through.
    set req.http.X-Forwarded-For = client.ip;
    unset req.http.Forwarded;

    # For operators; of no concern to others.
    if (req.url ~ "^/metrics([?]|$)" && client.ip !~ operators) {
        return (synth(403));
    }

    call choose;

    # Another trap: an answer may take ten minutes unless told otherwise, and a stream is an answer.
    set sess.send_timeout = 1w;

    # A WebSocket is bytes in both directions.
    if (req.http.Upgrade ~ "(?i)^websocket$") {
        return (pipe);
    }

    # The trap: without this line Varnish keeps answers, and hands the same one to all for two minutes: a tile as it was, or one person's tiles
    # to another. `pass` also hands streams on as they come. The gateways make each answer once for all who ask, and compress it themselves.
    return (pass);
}

sub vcl_pipe {
    # Varnish says `close` here, so that nothing that comes after on the connection gets past the lines above. It must still say so when the
    # gateway refuses the WebSocket.
    set bereq.http.Connection = "close, Upgrade";
    set bereq.http.Upgrade = req.http.Upgrade;
}

sub vcl_backend_response {
    set beresp.uncacheable = true;
    set beresp.do_stream = true;
    return (deliver);
}

sub vcl_backend_error {
    # A request that a gateway did not take, because it is being replaced, say, goes to another.
    if (bereq.retries < 2 && (bereq.method == "GET" || bereq.method == "HEAD")) {
        return (retry);
    }
}

sub vcl_backend_fetch {
    if (bereq.retries > 0) {
        set bereq.backend = gateways_as_they_are.backend();
    }
}
