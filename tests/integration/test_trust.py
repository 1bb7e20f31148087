# SPDX-License-Identifier: Apache-2.0
"""Whom Tilewire trusts in a PostgreSQL database that other roles use, too: what one of them has made beforehand under a name of ours
would run as whoever uses it."""
import psycopg2
import pytest

from tilewire import wait_until

EVER = [{"key": "ever", "type": "count", "match": {"event_type": "order.*"}}]
INSERT = "INSERT INTO events (timestamp, event_type) VALUES (now(), 'order.created')"
IN_DATABASE = {"ingestor": {"checkpoint": "postgresql"}, "source": {"poll_interval": "50ms"}}
TABLES = ["checkpoint", "journal", "lease", "state"]


@pytest.fixture
def roles(postgres_table):
    """Two roles that are no superusers: `ops`, which the programs are, and `mallory`. Gives their names."""
    names = [f"{name}_{postgres_table.name}" for name in ("ops", "mallory")]
    for name in names:
        postgres_table.execute(f"CREATE ROLE {name} LOGIN")
    postgres_table.execute(f"GRANT SELECT ON events TO {names[0]}")
    return names


def run_as(table, role, sql):
    db = psycopg2.connect(table.uri.replace("tilewire@", f"{role}@"))
    with db, db.cursor() as cursor:
        cursor.execute(sql)
    db.close()


def ask(table, sql):
    with table.db, table.db.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def deploy_as(deploy, table, role):
    d = deploy(table, tiles=EVER, config=IN_DATABASE)
    d.config["source"]["uri"] = table.uri.replace("tilewire@", f"{role}@")
    d.write()
    return d


def owners(table):
    return dict(ask(table, "SELECT relname, relowner::regrole::text FROM pg_class WHERE relnamespace = to_regnamespace('tilewire') AND relkind = 'r'"))


# ---- The trigger's function ----

FUNCTION = "SELECT proowner::regrole::text, proconfig, prosrc FROM pg_proc WHERE proname = 'tilewire_events'"
TRAP = """CREATE FUNCTION public.tilewire_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          EXECUTE 'ALTER ROLE {0} SUPERUSER'; RETURN NULL; END $$"""


def test_a_function_that_somebody_made_beforehand_is_refused(deploy, postgres_table, roles):
    """The programs' role may be a superuser, as here: it is no member of the role for that."""
    mallory = roles[1]
    postgres_table.execute(f"GRANT CREATE ON SCHEMA public TO {mallory}")
    run_as(postgres_table, mallory, TRAP.format(mallory))
    d = deploy(postgres_table, tiles=EVER)
    result = d.run("install-trigger")
    assert result.returncode == 1, result.stdout
    assert f'function "public"."tilewire_events"() belongs to role "{mallory}", which is not trusted' in result.stdout, result.stdout
    assert 'DROP FUNCTION "public"."tilewire_events"() CASCADE' in result.stdout
    postgres_table.execute(INSERT)
    assert ask(postgres_table, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{mallory}'") == [(False,)]
    assert ask(postgres_table, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]
    # What the message says.
    postgres_table.execute("DROP FUNCTION public.tilewire_events() CASCADE")
    d.run("install-trigger", check=True)
    assert ask(postgres_table, FUNCTION)[0][0] == "tilewire"
    with pytest.raises(psycopg2.Error, match=r"must be owner|already exists"):
        run_as(postgres_table, mallory, TRAP.format(mallory).replace("CREATE", "CREATE OR REPLACE", 1))


def test_a_function_in_a_trigger_that_was_installed_before_is_refused(deploy, postgres_table, roles):
    """As versions before did it: the trigger is ours, and its function somebody else's."""
    mallory = roles[1]
    postgres_table.execute(f"GRANT CREATE ON SCHEMA public TO {mallory}")
    run_as(postgres_table, mallory, TRAP.format(mallory))
    postgres_table.execute("CREATE TRIGGER tilewire_notify AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION public.tilewire_events()")
    d = deploy(postgres_table, tiles=EVER)
    result = d.run("install-trigger")
    assert result.returncode == 1 and "which is not trusted" in result.stdout, result.stdout
    d.run("install-trigger", "--remove", check=True)
    assert ask(postgres_table, FUNCTION) == [] and ask(postgres_table, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]


def test_the_function_of_an_earlier_version_is_replaced(deploy, postgres_table):
    """Also when triggers of tables that are no partitions any more use it, so that it cannot be dropped."""
    postgres_table.execute("""
        CREATE FUNCTION tilewire_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'old'; END $$;
        CREATE TABLE detached (id bigint);
        CREATE TRIGGER tilewire_notify AFTER INSERT ON detached FOR EACH STATEMENT EXECUTE FUNCTION tilewire_events()""")
    deploy(postgres_table, tiles=EVER).run("install-trigger", check=True)
    postgres_table.execute(INSERT)
    owner, settings, source = ask(postgres_table, FUNCTION)[0]
    assert owner == "tilewire" and settings == ["search_path=pg_catalog, pg_temp"] and "old" not in source


def test_the_search_path_of_who_inserts_changes_nothing(deploy, postgres_table):
    d = deploy(postgres_table, tiles=EVER, config={"source": {"poll_interval": "1h"}})
    d.run("install-trigger", check=True)
    d.start()
    postgres_table.execute("""
        CREATE SCHEMA theirs;
        CREATE FUNCTION theirs.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'theirs was called'; END $$""")
    postgres_table.execute("SET search_path = theirs, pg_catalog; INSERT INTO public.events (timestamp, event_type) VALUES (now(), 'order.created')")
    wait_until(lambda: d.tile("ever")["data"]["value"] == 1)


# ---- The schema ----


def test_a_schema_that_somebody_made_beforehand_is_refused(deploy, postgres_table, roles):
    _, mallory = roles
    postgres_table.execute(f"CREATE SCHEMA tilewire AUTHORIZATION {mallory}")
    d = deploy(postgres_table, tiles=EVER, config=IN_DATABASE)
    d["ingestor"].start()
    d["ingestor"].await_log(rf'error +ingestor: standing by: schema "tilewire" belongs to role "{mallory}", which is not trusted.*'
                            r"DROP SCHEMA tilewire CASCADE.*ingestor\.checkpoint to file:PATH")
    assert owners(postgres_table) == {}
    postgres_table.execute("DROP SCHEMA tilewire CASCADE")
    d["ingestor"].await_log("ready component")
    assert owners(postgres_table) == dict.fromkeys(TABLES, "tilewire")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_somebody_made_beforehand_is_refused(deploy, postgres_table, roles, name):
    """Its owner would put a trigger on it, which would run as the ingestor's role."""
    _, mallory = roles
    postgres_table.execute(f"CREATE SCHEMA tilewire; GRANT USAGE, CREATE ON SCHEMA tilewire TO {mallory}")
    run_as(postgres_table, mallory, f"""
        CREATE TABLE tilewire.{name} (name text);
        CREATE FUNCTION tilewire.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE {mallory} SUPERUSER'; RETURN NULL; END $$;
        CREATE TRIGGER trap BEFORE INSERT ON tilewire.{name} FOR EACH STATEMENT EXECUTE FUNCTION tilewire.trap()""")
    d = deploy(postgres_table, tiles=EVER, config=IN_DATABASE)
    d["ingestor"].start()
    d["ingestor"].await_log(rf'error +ingestor: standing by: table tilewire\.{name} belongs to role "{mallory}", which is not trusted.*'
                            rf"DROP TABLE tilewire\.{name} CASCADE")
    assert owners(postgres_table) == {name: mallory}
    postgres_table.execute(f"DROP TABLE tilewire.{name} CASCADE")
    d["ingestor"].await_log("ready component")
    assert owners(postgres_table) == dict.fromkeys(TABLES, "tilewire")
    assert ask(postgres_table, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{mallory}'") == [(False,)]


@pytest.mark.parametrize("how", ["its own", "a superuser's", "a group's", "the owner's of the database"])
def test_a_schema_made_beforehand_is_used_without_the_right_to_make_one(deploy, postgres_table, roles, how):
    ops, other = roles
    postgres_table.execute({
        "its own": f"CREATE SCHEMA tilewire AUTHORIZATION {ops}",
        "a superuser's": f"CREATE SCHEMA tilewire; GRANT USAGE, CREATE ON SCHEMA tilewire TO {ops}",
        "a group's": f"GRANT {other} TO {ops}; CREATE SCHEMA tilewire AUTHORIZATION {other}",
        "the owner's of the database": f"ALTER DATABASE {postgres_table.name} OWNER TO {other}; CREATE SCHEMA tilewire AUTHORIZATION {other};"
                                       f"GRANT USAGE, CREATE ON SCHEMA tilewire TO {ops}",
    }[how])
    d = deploy_as(deploy, postgres_table, ops).start()
    postgres_table.execute(INSERT)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 1)
    assert owners(postgres_table) == dict.fromkeys(TABLES, ops)
    assert not ask(postgres_table, f"SELECT 1 WHERE has_database_privilege('{ops}', current_database(), 'CREATE')")
    d["ingestor"].kill()
    d.start("ingestor")
    d.verify()


def test_tables_made_beforehand_are_used_without_the_right_to_make_any(deploy, postgres_table, roles):
    """A superuser made all that there is, and the role has no right but to use it."""
    ops, _ = roles
    d = deploy(postgres_table, tiles=EVER, config=IN_DATABASE)
    d.start("ingestor")
    assert owners(postgres_table) == dict.fromkeys(TABLES, "tilewire")
    d["ingestor"].kill()
    postgres_table.execute(f"GRANT USAGE ON SCHEMA tilewire TO {ops}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tilewire TO {ops}")
    d.config["source"]["uri"] = postgres_table.uri.replace("tilewire@", f"{ops}@")
    d.write()
    d.start()
    postgres_table.execute(INSERT)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 1)
    d.verify()


def test_a_schema_without_the_right_to_make_tables_in_it_is_named(deploy, postgres_table, roles):
    ops, _ = roles
    postgres_table.execute(f"CREATE SCHEMA tilewire; GRANT USAGE ON SCHEMA tilewire TO {ops}")
    d = deploy_as(deploy, postgres_table, ops)
    d["ingestor"].start()
    d["ingestor"].await_log(r'error +ingestor: standing by: cannot create the tables in schema "tilewire"; grant CREATE on the schema')
    postgres_table.execute(f"GRANT CREATE ON SCHEMA tilewire TO {ops}")
    d["ingestor"].await_log("ready component")


def test_a_state_of_a_version_without_the_column_version_is_taken_over(deploy, postgres_table):
    d = deploy(postgres_table, tiles=EVER, config=IN_DATABASE)
    d.start("ingestor")
    d["ingestor"].kill()
    postgres_table.execute("ALTER TABLE tilewire.checkpoint DROP COLUMN version; DROP TABLE tilewire.state")
    d.start()
    postgres_table.execute(INSERT)
    wait_until(lambda: d.tile("ever")["data"]["value"] == 1)
    d.verify()
