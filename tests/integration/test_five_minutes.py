# SPDX-License-Identifier: Apache-2.0
"""The five minutes of each page of a bus, as they stand there: in an empty folder, and a network of their own with the default ports."""

import pathlib
import re
import subprocess

import pytest

import network
from conftest import ROOT, bin_folder

SERVERS = {
    "push": "",
    "redis": "scripts/redis start $PWD/redis 6379",
    "nats": "scripts/nats start $PWD/nats 4222",
    "kafka": """scripts/kafka start $PWD/broker 9092
/usr/bin/python3 -c 'from confluent_kafka.admin import AdminClient, NewTopic
admin = AdminClient({"bootstrap.servers": "127.0.0.1:9092"})
admin.create_topics([NewTopic("orders", 1)])["orders"].result()'""",
    "partitioning": "",
}
TILES = {"push": "deploys", "redis": "orders.count", "nats": "orders.count", "kafka": "orders.count", "partitioning": "orders"}


def block(page):
    """The last one of the page's five minutes; those before it start a demo."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return re.findall(r"```sh\n(.*?)```", re.split(r"## Five minutes[^\n]*\n", text)[1].split("\n## ")[0], re.DOTALL)[-1]


def run(folder, script):
    """Runs the script in a network of its own, with the programs on the path."""
    script = f"ip link set lo up\nexport PATH={pathlib.Path(bin_folder()).resolve()}:$PATH\n{script}"
    with open(folder / "out", "wb") as out:
        # All of it ends with the shell, for that is the first process of its own numbers.
        command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-ec", script.replace("scripts/", f"{ROOT}/scripts/")]
        status = subprocess.run(command, cwd=folder, stdout=out, stderr=out, timeout=200, check=False).returncode
    assert status == 0, (folder / "out").read_text()


def until_tile(key, pattern):
    return f"until curl -fs http://127.0.0.1:8080/api/tiles/{key} | grep '{pattern}[,}}]'; do sleep 0.1; done"


@pytest.mark.skipif(not network.available(), reason="needs root, for a network of its own")
@pytest.mark.parametrize("page", SERVERS)
def test_the_five_minutes_of_a_page_end_with_a_live_tile(folder, page):
    value = 1000 if page == "partitioning" else 1
    run(folder, f"{SERVERS[page]}\n{block(page)}\n" + until_tile(TILES[page], f'"value":{value}'))


def example(title):
    """The commands of an example of the README in their order, with its file written where it stands."""
    text = (ROOT / "README.md").read_text().split(f"### {title}\n")[1].split("\n### ")[0]
    blocks = re.findall(r"```(yaml|sh)\n(.*?)```", text, re.DOTALL)
    return "\n".join(f"cat >tilewire.yaml <<'YAML'\n{body}YAML" if kind == "yaml" else body for kind, body in blocks)


@pytest.mark.skipif(not network.available(), reason="needs root, for a network of its own")
def test_both_examples_of_the_readme_run_one_after_the_other(folder):
    """What is asked of PostgreSQL's superuser goes to that of a server of the test's own."""
    superuser = "psql -h 127.0.0.1 -U tilewire postgres"
    run(folder, f"""scripts/postgres start $PWD/postgres 5432
{example("SQLite")}
{until_tile("sales.hour", '"value":1')}
tilewire verify
kill $(jobs -p)
wait
mkdir ../tickets && cd ../tickets
{example("PostgreSQL").replace("sudo -u postgres psql", superuser)}
{until_tile("tickets.sla", '"at_risk":1')}
tilewire verify
kill $(jobs -p)
wait""")
