# SPDX-License-Identifier: Apache-2.0
"""The server of an events table, which is stopped and started by a chaos run."""
import subprocess


class PostgresServer:
    def __init__(self, table):
        self.table, self.running = table, True

    def up(self):
        return self.running

    def script(self, verb, argument):
        cluster = self.table.cluster
        subprocess.run([cluster["script"], verb, cluster["path"], argument], check=True, stdout=subprocess.DEVNULL)

    def stop(self, crash):
        self.script("stop", "immediate" if crash else "fast")
        self.running = False

    def start(self):
        if not self.running:
            self.script("start", str(self.table.cluster["port"]))
            self.running = True

    heal = start

    def terminate(self, application):
        """Ends the sessions of those who call themselves so."""
        db = self.table.connect()
        db.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                            " AND application_name = %s AND pid <> pg_backend_pid()", (application,))
        db.close()


class Servers:
    """Several, of which one after the other is stopped."""

    def __init__(self, *servers):
        self.servers, self.next = servers, 0

    def up(self):
        return all(server.up() for server in self.servers)

    def stop(self, crash):
        self.servers[self.next % len(self.servers)].stop(crash)
        self.next += 1

    def start(self):
        for server in self.servers:
            server.start()

    heal = start

    def terminate(self, application):
        self.servers[0].terminate(application)


class Broker:
    """Kafka, which takes seconds to start: nobody waits for it meanwhile."""

    def __init__(self, broker):
        self.broker, self.starting, self.stopped = broker, None, False

    def up(self):
        if self.starting is not None and self.starting.poll() is not None:
            assert self.starting.returncode == 0, "the broker did not start"
            self.starting = None
        return not self.stopped and self.starting is None

    def stop(self, crash):
        self.broker.stop("KILL" if crash else "TERM")
        self.stopped = True

    def start(self):
        if self.stopped:
            self.starting, self.stopped = subprocess.Popen(self.broker.command(), stdout=subprocess.DEVNULL), False

    def heal(self):
        self.start()
        if self.starting is not None:
            self.starting.wait()
        assert self.up()


def of_stream(bus):
    from streams import StreamServer  # whose libraries others need not have
    return StreamServer(bus)


def server_of(table):
    """None: it has none."""
    kinds = {"postgresql": PostgresServer, "several": lambda several: Servers(PostgresServer(several.parts["bank"]), of_stream(several.feed)),
             "kafka": lambda bus: Broker(bus.broker), "redis": of_stream, "nats": of_stream}
    return kinds[table.kind](table) if table.kind in kinds else None
