/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in the programs' sections, and what is said about it. Tiles have a file of their
 * own. */
#include "tests/common/config/config_unit.h"

#define PASSWORD                                                                                   \
    "a password may not stand in the configuration: put it into a file of its own and name that "  \
    "with password_file, or set PGPASSWORD in the environment"
#define FORMS                                                                                      \
    "sqlite:FILE, postgresql://USER@HOST/DATABASE, kafka://BROKER:PORT/TOPIC, "                    \
    "redis://HOST/STREAM, nats://HOST/STREAM or push:FILE"
#define URI "source.uri: expected " FORMS
#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static void test_structure(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"- a", "1:1: expected a map of keys and values, but found a list"},
        {"tile: []", "1:1: unknown key \"tile\"; did you mean \"tiles\"?"},
        {"x: 1",
         "1:1: unknown key \"x\"; known are source, sources, ingestor, cache, gateway, curve, "
         "insecure, calendars, tiles or "
         "alerts"},
        {"cache: [1]", "1:8: cache: expected a map of keys and values, but found a list"},
        {"cache: {evnts: 1}", "1:9: cache: unknown key \"evnts\"; did you mean \"events\"?"},
        {"gateway: {limits: {stream: 1}}",
         "1:20: gateway.limits: unknown key \"stream\"; did you mean \"streams\"?"},
        {"insecure: yes", "1:11: insecure: expected true or false, but found \"yes\""},
        {"tiles: {}", "1:8: tiles: expected a list of tiles, but found a map"},
    };
    REFUSED(refusals);
}

static void test_values(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"cache: {events: many}",
         "1:17: cache.events: expected a whole number, but found \"many\""},
        {"cache: {events: 1.5}", "1:17: cache.events: expected a whole number, but found \"1.5\""},
        {"cache: {events: \"5\"}", "1:17: cache.events: expected a whole number, but found \"5\""},
        {"cache: {events: }", "1:9: cache.events: expected a whole number, but found nothing"},
        {"cache: {events: null}", "1:17: cache.events: expected a whole number, but found null"},
        {"cache: {events: 0}", "1:17: cache.events: expected 1 to 1000000, but found \"0\""},
        {"cache: {events: 1000001}",
         "1:17: cache.events: expected 1 to 1000000, but found \"1000001\""},
        {"cache: {events: -1}", "1:17: cache.events: expected 1 to 1000000, but found \"-1\""},
        {"gateway: {heartbeat: 15}", "1:22: gateway.heartbeat: expected a duration such as 250ms, "
                                     "2s, 5m, 1h or 7d, but found \"15\""},
        {"gateway: {heartbeat: 1ms}",
         "1:22: gateway.heartbeat: expected 100ms to 5m, but found \"1ms\""},
        {"gateway: {heartbeat: [1s]}", "1:22: gateway.heartbeat: expected a duration such as "
                                       "250ms, 2s, 5m, 1h or 7d, but found a list"},
        {"gateway: {max_stream_age: 10ms}", "1:27: gateway.max_stream_age: expected 0 (no limit), "
                                            "or at least 1s, but found \"10ms\""},
        {"gateway: {channel_log: 1MB}", "1:24: gateway.channel_log: expected a size such as 4096, "
                                        "64KiB or 1MiB, but found \"1MB\""},
        {"gateway: {channel_log: 1KiB}",
         "1:24: gateway.channel_log: expected 16KiB to 256MiB, but found \"1KiB\""},
        {"gateway: {limits: {requests_per_second: fast}}",
         "1:41: gateway.limits.requests_per_second: expected a number, but found \"fast\""},
        {"gateway: {limits: {requests_per_second: 0}}",
         "1:41: gateway.limits.requests_per_second: expected more than 0 and at most 1000000, but "
         "found \"0\""},
        {"gateway: {limits: {streams_per_second: 1e7}}",
         "1:40: gateway.limits.streams_per_second: expected more than 0 and at most 1000000, but "
         "found \"1e7\""},
        {"source: {uri: sqlite:e, metric_event: \"\"}",
         "1:39: source.metric_event: expected a text of 1 to 256 bytes, but it has 0"},
        {"source: {uri: sqlite:e, metric_event: [a]}",
         "1:39: source.metric_event: expected a text, but found a list"},
        {"source: {uri: sqlite:e, time_zone: Europe/Berln}",
         "1:36: source.time_zone: there is no time zone \"Europe/Berln\"; write the name of one in "
         "/usr/share/zoneinfo, such as Europe/Berlin"},
        {"source: {uri: sqlite:e, time_zone: ../../../etc/passwd}",
         "1:36: source.time_zone: there is no time zone \"../../../etc/passwd\"; write the name of "
         "one in /usr/share/zoneinfo, such as Europe/Berlin"},
        {"source: {uri: sqlite:e, time_zone: }",
         "1:25: source.time_zone: expected the name of a time zone, but found nothing"},
        {"source: {uri: sqlite:e, week_starts: sundy}",
         "1:38: source.week_starts: \"sundy\" is not known; did you mean \"sunday\"?"},
        {"source: {uri: sqlite:e, payload_in_events: 1}",
         "1:44: source.payload_in_events: expected true or false, but found \"1\""},
    };
    REFUSED(refusals);
}

static void test_source(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"source: {table: e}", "1:9: source: uri is missing: write " FORMS},
        {"source:", "1:1: source: uri is missing: write " FORMS},
        {"source: {uri: [a]}", "1:15: " URI},
        {"source: {uri: events.db}", "1:15: " URI ", but it begins otherwise"},
        {"source: {uri: mysql://u:secret@h/d}", "1:15: " URI ", but it begins otherwise"},
        {"source: {uri: rediss://u:secret@r1/orders}",
         "1:15: source.uri: Tilewire reads Redis without TLS: let HAProxy or stunnel on this "
         "machine "
         "speak TLS with the server, and name its port, as docs/redis.md shows: "
         "redis://127.0.0.1:6380/STREAM"},
        {"source: {uri: postgresql:shop}", "1:15: " URI ", but it begins otherwise"},
        {"source: {uri: 'sqlite:'}",
         "1:15: source.uri: expected a database file, such as sqlite:events.db"},
        {"source: {uri: 'sqlite::memory:'}",
         "1:15: source.uri: expected a database file, such as sqlite:events.db"},
        {"source: {uri: 'sqlite://e.db'}",
         "1:15: source.uri: expected the database's file right after sqlite:, without //"},
        {"source: {uri: sqlite:e, table: a.b.c}",
         "1:32: source.table: expected TABLE or SCHEMA.TABLE, but found \"a.b.c\""},
        {"source: {uri: sqlite:e, table: .b}",
         "1:32: source.table: expected TABLE or SCHEMA.TABLE, but found \".b\""},
        {"source: {uri: sqlite:e, listen_uri: 'postgresql://h/d'}",
         "1:25: source.listen_uri: SQLite is watched, and not listened to; leave it out"},
        {"source: {uri: 'postgresql://p/d', listen_uri: sqlite:e}",
         "1:47: source.listen_uri: expected postgresql://USER@HOST/DATABASE, the server itself"},
        {"source: {uri: 'postgresql://p/d', listen_uri: 'postgresql://u:secret@h/d'}",
         "1:47: source.listen_uri: " PASSWORD},
        {"source: {uri: sqlite:e, password_file: p}",
         "1:25: source.password_file: SQLite has no password; leave it out"},
        {"source: {uri: sqlite:e, cursor: created_at}",
         "1:33: source.cursor: expected two columns, the one that rows are in the order of and the "
         "one of the id: [created_at, id]"},
        {"source: {uri: sqlite:e, cursor: [created_at]}",
         "1:33: source.cursor: expected two columns, the one that rows are in the order of and the "
         "one of the id: [created_at, id]"},
        {"source: {uri: sqlite:e, cursor: [a, b, c]}",
         "1:33: source.cursor: expected two columns, the one that rows are in the order of and the "
         "one of the id: [created_at, id]"},
        {"source: {uri: sqlite:e, cursor: [a, ~]}",
         "1:33: source.cursor: expected two columns, the one that rows are in the order of and the "
         "one of the id: [created_at, id]"},
        {"source: {uri: sqlite:e, columns: {id: uuid}, cursor: [created_at, id]}",
         "1:67: source.cursor: the second column has to be that of the id, which "
         "source.columns.id says is \"uuid\""},
    };
    REFUSED(refusals);
}

static void test_dedupe(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"source: {uri: sqlite:e, dedupe: payload.}",
         "1:33: source.dedupe: expected names joined by single dots, such as payload.team.id, but "
         "found \"payload.\""},
        {"source: {uri: sqlite:e, dedupe: event}",
         "1:33: source.dedupe: \"event\" is no field of an event, nor a column added under "
         "source.columns; known are event_type, actor_id, target_id, summary or payload.NAME"},
        {"source: {uri: sqlite:e, dedupe: event_type}",
         "1:33: source.dedupe: all events of a type have the same one, so that one of them would "
         "count; write a field that is another one for each, such as payload.event_id"},
        {"source: {uri: sqlite:e, dedupe: [a]}",
         "1:33: source.dedupe: expected a field such as payload.event_id; leave it out where each "
         "event counts"},
        {"source: {uri: sqlite:e, dedupe_window: 1h}",
         "1:25: source.dedupe_window: nothing says what tells events apart; write source.dedupe: "
         "payload.event_id, or leave it out"},
        {"source: {uri: sqlite:e, dedupe: payload.id, dedupe_window: 0}",
         "1:60: source.dedupe_window: expected 1s to 30d, but found \"0\""},
        {"source: {uri: sqlite:e, poll: 1s}",
         "1:25: source: unknown key \"poll\"; known are name, uri, listen_uri, table, columns, "
         "format, fields, kafka, redis, nats, cursor, payload_in_events, password_file, "
         "poll_interval, late_window, dedupe, dedupe_window, dedupe_memory, keep, metric_event, "
         "time_zone or "
         "week_starts"},
    };
    REFUSED(refusals);
}

static void test_passwords_in_the_uri(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"source: {uri: postgresql://u:p@h/d}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: postgres://u:p@h/d}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: 'postgresql://u:p/w@h/d'}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: 'postgresql://u:@h/d'}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: 'postgresql://u@h/d?password=p'}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: 'postgresql://h/d?a=b&pass%77ord=p'}", "1:15: source.uri: " PASSWORD},
        {"source: {uri: 'postgresql://h/d?sslpassword=p'}", "1:15: source.uri: " PASSWORD},
    };
    REFUSED(refusals);
    static const char *const fine[] = {
        "source: {uri: 'postgresql://u@h:5432/d'}",
        "source: {uri: 'postgresql://[::1]:5432/d'}",
        "source: {uri: 'postgresql://h:1,i:2/d?passfile=x&target_session_attrs=any'}",
        "source: {uri: 'postgresql:///d?host=/run/postgresql&user=password'}",
        "source: {uri: 'postgres://'}",
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        struct config *config = parse_ok(fine[i]);
        assert_int_equal(config->source.kind, SOURCE_POSTGRESQL);
        config_destroy(&config);
    }
}

static void test_columns(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"source: {uri: sqlite:e, columns: [a]}",
         "1:34: source.columns: expected a map from "
         "fields to the table's columns, but found a list"},
        {"source: {uri: sqlite:e, columns: {timestmp: a}}",
         "1:35: source.columns: unknown column \"timestmp\"; did you mean \"timestamp\"?"},
        {"source: {uri: sqlite:e, columns: {Payload: a}}",
         "1:35: source.columns: unknown column \"Payload\"; did you mean \"payload\"?"},
        {"source: {uri: sqlite:e, columns: {truncated: a}}",
         "1:35: source.columns: \"truncated\" is what raw events call the list of their cut "
         "members; give the field another name"},
        {"source: {uri: sqlite:e, columns: {redelivered: a}}",
         "1:35: source.columns: \"redelivered\" is what raw events call that they may have come "
         "before; give the field another name"},
        {"source: {uri: sqlite:e, columns: {a.b: a}}",
         "1:35: source.columns: expected a name of letters, digits and _, at most 63 of them, for "
         "a field, but found \"a.b\""},
        {"source: {uri: sqlite:e, columns: {1a: a}}",
         "1:35: source.columns: expected a name of letters, digits and _, at most 63 of them, for "
         "a field, but found \"1a\""},
        {"source: {uri: sqlite:e, columns: {id: null}}",
         "1:39: source.columns.id: expected the name of a column, but found null"},
        {"source: {uri: sqlite:e, columns: {region: null}}",
         "1:43: source.columns.region: expected the name of a column, but found null"},
        {"source: {uri: sqlite:e, columns: {region: ''}}",
         "1:43: source.columns.region: expected the name of a column, of 1 to 255 bytes, but found "
         "\"\""},
    };
    REFUSED(refusals);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"cache: {publish: 7411}",
         "1:18: cache.publish: expected tcp://HOST:PORT or ipc:///PATH, but found \"7411\""},
        {"cache: {publish: 'tcp://127.0.0.1'}", "1:18: cache.publish: expected a port from 1 to "
                                                "65535 at its end, after a colon, but found "
                                                "\"tcp://127.0.0.1\""},
        {"cache: {publish: 'tcp://::1:7411'}",
         "1:18: cache.publish: expected an IPv6 address in brackets, such as [::1]:8080, but found "
         "\"tcp://::1:7411\""},
        {"cache: {publish: 'ipc://x'}",
         "1:18: cache.publish: expected an absolute path of at most 107 bytes after ipc://, such "
         "as ipc:///run/tilewire/x, but found \"ipc://x\""},
        {"cache: {publish: 'tcp://localhost:7411'}",
         "1:18: cache.publish: expected an IP address of this machine to bind to (127.0.0.1 for "
         "this machine alone), or *, but found \"tcp://localhost:7411\""},
        {"cache: {publish: 'tcp://127.0.0.1:7401'}",
         "1:18: cache.publish: tcp://127.0.0.1:7401 is the address of ingestor.publish already"},
        {"gateway: {listen: 8080}",
         "1:19: gateway.listen: expected a port from 1 to 65535 at its end, after a colon, but "
         "found \"8080\""},
        {"gateway: {listen: 'localhost:80'}",
         "1:19: gateway.listen: expected an IP address of this machine before the port (127.0.0.1 "
         "for this machine alone), or *, but found \"localhost:80\""},
        {"gateway: {upstreams: []}",
         "1:22: gateway.upstreams: expected 1 to 16 entries, but found 0"},
        {"gateway: {upstreams: {publish: x}}",
         "1:22: gateway.upstreams: expected a list, but found a map"},
        {"gateway: {upstreams: [{publish: 'tcp://a:1'}]}",
         "1:23: gateway.upstreams: an upstream needs both addresses: {publish: …, query: …}"},
        {"gateway: {upstreams: [{publish: 'tcp://*:1'}]}",
         "1:33: gateway.upstreams.publish: expected the address of one machine to connect to, but "
         "found \"tcp://*:1\""},
        {"gateway: {upstreams: [{publish: 'tcp://0.0.0.0:1'}]}",
         "1:33: gateway.upstreams.publish: expected the address of one machine to connect to, but "
         "found \"tcp://0.0.0.0:1\""},
    };
    REFUSED(refusals);
}

static void test_hosts_and_proxies(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"gateway: {trusted_proxies: [10.0.0.1/8]}",
         "1:29: gateway.trusted_proxies: expected an IP address or a range of them such as "
         "10.0.0.0/8, but found \"10.0.0.1/8\""},
        {"gateway: {cors_origins: ['https://a.org/']}",
         "1:26: gateway.cors_origins: expected an origin such as https://ops.example.org (lower "
         "case, no path and no slash at its end), or \"*\", but found \"https://a.org/\""},
        {"gateway: {frame_ancestors: ['https://a.org/x']}",
         "1:29: gateway.frame_ancestors: expected an origin such as https://ops.example.org "
         "(lower case, no path and no slash at its end), or \"*\", but found \"https://a.org/x\""},
        {"gateway: {views: ['show=a']}",
         "1:18: gateway.views: expected a map of up to 64 views, such as support: "
         "\"show=tickets.*&size=tickets.sla:2\", but found a list"},
        {"gateway: {views: {'a,b': 'show=a'}}",
         "1:19: gateway.views: expected a view's name of 1 to 64 bytes without a comma"},
        {"gateway: {views: {a: [b]}}",
         "1:22: gateway.views: expected what stands behind the ? of the dashboard's address, but "
         "found a list"},
        {"gateway: {hosts: ['a.org:8080']}",
         "1:19: gateway.hosts: expected a name or an address without a port, such as "
         "tiles.example.org or \"[fd00::5]\", or \"*\", but found \"a.org:8080\""},
        {"gateway: {hosts: ['https://a.org']}",
         "1:19: gateway.hosts: expected a name or an address without a port, such as "
         "tiles.example.org or \"[fd00::5]\", or \"*\", but found \"https://a.org\""},
        {"gateway: {hosts: ['fd00::5']}",
         "1:19: gateway.hosts: expected a name or an address without a port, such as "
         "tiles.example.org or \"[fd00::5]\", or \"*\", but found \"fd00::5\""},
        {"gateway: {hosts: ['[10.0.0.1]']}",
         "1:19: gateway.hosts: expected a name or an address without a port, such as "
         "tiles.example.org or \"[fd00::5]\", or \"*\", but found \"[10.0.0.1]\""},
        {"gateway: {hosts: ['']}",
         "1:19: gateway.hosts: expected a name or an address without a port, such as "
         "tiles.example.org or \"[fd00::5]\", or \"*\", but found \"\""},
    };
    REFUSED(refusals);
}

/* What others can reach needs keys, or an explicit word. */
static void test_reach(void **state)
{
    (void)state;
#define REACH(key, address)                                                                        \
    key ": other machines can reach " address ", and there are no keys: bind to 127.0.0.1, or "    \
        "set up keys under `curve`, or permit it with `insecure: true`"
    static const struct refusal refusals[] = {
        {"ingestor: {publish: 'tcp://*:1'}", "1:21: " REACH("ingestor.publish", "tcp://*:1")},
        {"ingestor: {query: 'tcp://0.0.0.0:1'}",
         "1:19: " REACH("ingestor.query", "tcp://0.0.0.0:1")},
        {"cache: {publish: 'tcp://10.0.0.1:1'}",
         "1:18: " REACH("cache.publish", "tcp://10.0.0.1:1")},
        {"insecure: false\ncache: {query: 'tcp://[::]:1'}",
         "2:16: " REACH("cache.query", "tcp://[::]:1")},
    };
    REFUSED(refusals);
#define UPSTREAM(address) "upstreams: [{publish: '" address "', query: 'ipc:///run/q'}]"
    static const struct refusal upstreams[] = {
        {"cache: {" UPSTREAM("tcp://10.0.0.1:1") "}",
         "1:20: cache.upstreams: tcp://10.0.0.1:1 is another machine, and there are no keys, so "
         "anybody in between could read and change what it says: set up keys under `curve`, or "
         "permit it with `insecure: true`"},
        {"gateway: {" UPSTREAM("tcp://cache-1:1") "}",
         "1:22: gateway.upstreams: tcp://cache-1:1 is another machine, and there are no keys, so "
         "anybody in between could read and change what it says: set up keys under `curve`, or "
         "permit it with `insecure: true`"},
    };
    REFUSED(upstreams);
    static const char *const fine[] = {
        "cache: {" UPSTREAM("tcp://localhost:1") "}",
        "cache: {" UPSTREAM("tcp://10.0.0.1:1") "}\ninsecure: true",
        "cache: {" UPSTREAM("tcp://10.0.0.1:1") "}\ncurve: {secret_key_file: s}",
        "cache: {publish: 'tcp://*:1'}\ninsecure: true",
        "cache: {publish: 'tcp://*:1'}\ncurve: {public_key_file: p, secret_key_file: s}",
        "cache: {publish: 'tcp://[::1]:1', query: 'tcp://127.9.9.9:1'}",
        "cache: {publish: 'ipc:///run/p'}",
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        struct config *config = parse_ok(fine[i]);
        config_destroy(&config);
    }
}

static void test_ingestor(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"ingestor: {lanes: 65}", "1:19: ingestor.lanes: expected 1 to 64, but found \"65\""},
        {"ingestor: {own_lanes: [0, 1], lanes: 1}",
         "1:23: ingestor.own_lanes: lanes count from 0, and there are 1 (`lanes`)"},
        {"ingestor: {lanes: 2, own_lanes: [1, 1]}",
         "1:37: ingestor.own_lanes: lane 1 is named twice"},
        {"ingestor: {own_lanes: [64]}",
         "1:24: ingestor.own_lanes: expected a lane's number, from 0, but found \"64\""},
        {"ingestor: {lanes: 62, partitions: 3}",
         "1:35: ingestor.partitions: with `lanes` at most 64 are possible, but there are 65"},
        {"source: {uri: 'sqlite:e'}\ningestor: {partitions: 3}",
         "2:24: ingestor.partitions: only a source of Kafka has partitions; divide the tiles by "
         "`lanes`"},
        {"ingestor: {partitions: 2, own_partitions: [2]}",
         "1:43: ingestor.own_partitions: they count from 0, and there are 2 (`partitions`)"},
        {"ingestor: {own_partitions: [0]}",
         "1:28: ingestor.own_partitions: they count from 0, and there are 0 (`partitions`)"},
        {"ingestor: {partitions: 2, own_partitions: [1, 1]}",
         "1:47: ingestor.own_partitions: partition 1 is named twice"},
        {"ingestor: {partitions: 2, own_partitions: [1], own_lanes: [0]}",
         "1:43: ingestor.own_partitions: does not go with own_lanes, for which all partitions are "
         "read; give the lanes to an ingestor of their own"},
        {"source: {uri: 'kafka://b/t'}\ningestor: {partitions: 2, own_partitions: [1]}",
         "2:43: ingestor.own_partitions: no tile has `partition: true`, so this ingestor would "
         "have "
         "nothing to do"},
        {"ingestor: {own_lanes: 0}", "1:23: ingestor.own_lanes: expected a list, but found \"0\""},
        {"ingestor: {checkpoint: file}", "1:24: ingestor.checkpoint: expected auto, postgresql, "
                                         "postgresql://… or file:PATH, but found \"file\""},
        {"ingestor: {checkpoint: postgresql}\nsource: {uri: sqlite:e}",
         "1:24: ingestor.checkpoint: postgresql is only possible when the source is PostgreSQL "
         "too, in whose database the state then is"},
        {"ingestor: {checkpoint: 'postgresql://h/db'}\nsource: {uri: sqlite:e}",
         "1:24: ingestor.checkpoint: a database of its own is for the state of a bus, such as "
         "Kafka; that of a table goes back together with its rows, so write postgresql, or "
         "file:PATH"},
        {"ingestor: {checkpoint: 'postgresql://ada:pw@h/db'}",
         "1:24: ingestor.checkpoint: a password may not stand in the configuration: put it into a "
         "file of its own and name that with checkpoint_password_file, or set PGPASSWORD in the "
         "environment"},
        {"ingestor: {checkpoint_password_file: pw}",
         "1:12: ingestor.checkpoint_password_file: it is for `checkpoint: postgresql://…`; leave "
         "it out"},
        {"ingestor: {checkpoint: 'file:e'}\nsource: {uri: sqlite:e}",
         "1:24: ingestor.checkpoint: that is the database's own file"},
    };
    REFUSED(refusals);
}

static void test_curve(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"curve: {server_key: '" KEY "'}",
         "1:8: curve: it names no keys: make some (`tilewire keygen`), and name them by "
         "keys_folder or secret_key_file"},
        {"curve: {keys_folder: k, secret_key_file: s}",
         "1:8: curve: keys_folder and secret_key_file name the same key twice: drop one"},
        {"curve: {keys_folder: k, public_key_file: s}",
         "1:8: curve: keys_folder and public_key_file name the same key twice: drop one"},
        {"curve: {public_key_file: p, server_key: abc}",
         "1:41: curve.server_key: expected a public key of 40 characters, as `tilewire keygen` "
         "prints it, in quotes, but found \"abc\""},
        {"curve: {secret_key: abc}",
         "1:9: curve: unknown key \"secret_key\"; did you mean \"server_key\"?"},
        {"gateway: {upstreams: [{publish: 'tcp://a:1', query: 'tcp://a:2', server_key: '" KEY
         "'}]}",
         "1:22: gateway.upstreams: server_key needs keys of our own: set them up under `curve`"},
        {"gateway: {upstreams: [{publish: 'tcp://[::1]:1', query: 'tcp://[::1]:2', server: a}]}",
         "1:22: gateway.upstreams: server needs keys of our own: set them up under `curve`"},
        {"curve: {secret_key_file: s}\n"
         "cache: {upstreams: [{publish: 'tcp://a:1', query: 'tcp://a:2', server: a}]}",
         "2:20: cache.upstreams: a is expected, and nobody has that name in a clients_file, for "
         "`curve` names none"},
        {"curve: {secret_key_file: s}\n"
         "cache: {upstreams: [{publish: 'tcp://a:1', query: 'tcp://a:2', server: a, server_key: "
         "'" KEY "'}]}",
         "2:21: cache.upstreams: server and server_key say the same: drop one"},
    };
    REFUSED(refusals);
    struct config *config = parse_ok(
        "curve: {public_key_file: p, server_key: '" KEY "'}\n"
        "cache: {upstreams: [{publish: 'tcp://a:1', query: 'tcp://a:2', server_key: '" KEY "'}]}");
    assert_true(config->curve.enabled);
    assert_string_equal(config->curve.public_key_file, "/etc/tilewire/p");
    assert_null(config->curve.secret_key_file);
    assert_string_equal(config->curve.server_key, KEY);
    assert_string_equal(config->cache.upstreams.list[0].server.key, KEY);
    config_destroy(&config);
}

/* One line, not cut within a character, whatever the file holds. */
static void test_what_is_found_is_shown_in_short(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"\"a\\nb\": 1\n\"a\\nb\": 2", "2:1: the key \"a b\" is there already, at line 1"},
        {"tiles: [{key: t, type: count, match: {\"payload.a\\eb\": {}}}]",
         "1:55: tile \"t\": match.payload.a b: expected a test such as {gt: 5}"},
        {"insecure: \"a\\nb\"", "1:11: insecure: expected true or false, but found \"a b\""},
        {"insecure: ééééééééééééééééééééééééééééééxx",
         "1:11: insecure: expected true or false, but found \"éééééééééééééééééééééééééééééé…\""},
        {"insecure: aééééééééééééééééééééééééééééééxx",
         "1:11: insecure: expected true or false, but found \"aééééééééééééééééééééééééééééé…\""},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_dedupe),
        cmocka_unit_test(test_passwords_in_the_uri),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_hosts_and_proxies),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_ingestor),
        cmocka_unit_test(test_curve),
        cmocka_unit_test(test_what_is_found_is_shown_in_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
