# SPDX-License-Identifier: Apache-2.0
"""The image, the compose file and the manifests for Kubernetes, as far as they can be held to what they say without Docker and without a cluster: their very
commands, probes and configurations run as processes. tests/package/image builds the image."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import jsonschema
import pytest
import yaml

from conftest import ROOT, bin_folder
from documents import blocks
from tilewire import PATIENCE, Program, free_ports, wait_until

DEPLOY = ROOT / "docs" / "deploy"
USER = 10001
INSERT = "INSERT INTO events (timestamp, event_type, payload) VALUES (now(), 'order.created', '{\"region\": \"eu-west\"}')"


def load(path):
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


def replaced(text, *changes):
    for old, new in changes:
        assert old in text, f"{old!r} is not in the file any more"
        text = text.replace(old, new)
    return text


def test_the_image_is_what_the_others_take_it_for():
    text = (ROOT / "Dockerfile").read_text()
    assert f"USER {USER}:{USER}\n" in text and f"--uid {USER} --gid {USER}" in text
    assert "/scripts/package /package\n" in text and "[--revision N] [FOLDER]" in (ROOT / "scripts/package").read_text()
    kept_out = (ROOT / ".dockerignore").read_text().split()
    assert not {"packaging", "scripts", "docs", "cmake", "LICENSE", "CHANGELOG.md"} & set(kept_out), "the package has them"
    assert {".git", "build"} <= set(kept_out)


class Containers:
    """Containers, as processes. Each has a folder for what is mounted at /etc/tilewire, and belongs to the image's user where that can be."""

    def __init__(self, folder):
        self.folder, self.programs, self.environment = folder, {}, {}
        self.bin = folder / "bin"
        if os.geteuid() == 0:  # whom the folder of the build may be closed to
            shutil.copytree(bin_folder(), self.bin, symlinks=True)
        else:
            self.bin.symlink_to(bin_folder())
        self.lower = ["setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={USER}"] if os.geteuid() == 0 else []

    def command(self, name, words, variables=()):
        environment = ["env", "-i", f"PATH={self.bin}:/usr/sbin:/usr/bin:/bin", *variables]
        environment += [f"{key}={value}" for key, value in os.environ.items() if key.startswith(("ASAN_", "UBSAN_", "TSAN_"))]
        if words[0].startswith("tilewire"):
            words = [words[0], *words[1:], "-c", f"{self.folder}/{name}/tilewire.yaml"]
        return [*self.lower, *environment, *words]

    def start(self, name, words, variables=()):
        self.programs[name] = Program(name, self.command(name, words, variables), self.folder / f"{name}.log").start()

    def probe(self, name, words, variables=()):
        return subprocess.run(self.command(name, words, variables), capture_output=True, timeout=PATIENCE, check=False).returncode == 0

    def ask(self, port, path, *options):
        done = subprocess.run(
            ["curl", "-s", "-w", "\n%{http_code}", *options, f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def end(self, name):
        """As Docker and Kubernetes do it; true if it ended well."""
        return self.programs[name].kill(signal.SIGTERM) == 0


@pytest.fixture
def containers(folder, request):
    (folder / "containers").mkdir(mode=0o755)
    made = Containers(folder / "containers")
    yield made
    for program in made.programs.values():
        if program.alive():
            program.kill(signal.SIGTERM)
    if getattr(request.node, "failed", False):
        for program in made.programs.values():
            print(f"---- {program.name}\n{program.log_text()[-4000:]}")


def seconds(text):
    return {"s": 1, "m": 60, "h": 3600}[text[-1]] * float(text[:-1])


# ---- Compose ----


def test_the_compose_file_runs(containers, postgres_table):
    compose = load("compose/compose.yaml")[0]
    services = compose["services"]
    postgres_table.execute("DROP TABLE events")
    postgres_table.execute((DEPLOY / "compose" / "shop.sql").read_text())
    ports = dict(zip(("7401", "7402", "7411", "7412", "8080"), map(str, free_ports(5)), strict=True))
    text = (DEPLOY / "compose" / "tilewire.yaml").read_text()
    text = replaced(
        text,
        ("postgresql://tilewire@database/shop", postgres_table.uri),
        ("//ingestor:", "//127.0.0.1:"),
        ("//cache:", "//127.0.0.1:"),
        *((f":{ours}", f":{theirs}") for ours, theirs in ports.items()),
    )
    for name in ("ingestor", "cache", "gateway"):
        service = services[name]
        assert service["image"] == "tilewire" and service["volumes"] == ["./tilewire.yaml:/etc/tilewire/tilewire.yaml:ro"]
        (containers.folder / name).mkdir()
        (containers.folder / name / "tilewire.yaml").write_text(text)
        variables = ["PGPASSWORD=secret"] if "PGPASSWORD" in service.get("environment", {}) else []
        containers.start(name, service["command"], variables)
    for name in ("ingestor", "cache", "gateway"):
        kind, *test = services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        test = [word.replace("8080", ports["8080"]) for word in test]
        wait_until(lambda name=name, test=test: containers.probe(name, test), what=f"{name} to be healthy")
    assert services["gateway"]["ports"] == ["127.0.0.1:8080-8089:8080"]
    for value in (1, 2):
        wait_until(lambda value=value: f'"value":{value}' in containers.ask(ports["8080"], "/api/tiles/orders.hour")[1], what="the row")
        postgres_table.execute(INSERT)
    assert containers.ask(ports["8080"], "/", "-H", "Host: evil.example.org")[0] == 421
    assert containers.probe("ingestor", ["tilewire", "verify", "--from", "ingestor"], ["PGPASSWORD=secret"])
    drain = 5  # gateway.drain, unless told
    assert seconds(services["gateway"]["stop_grace_period"]) > drain + 1
    for name in ("gateway", "cache", "ingestor"):
        assert containers.end(name), name
    kind, *test = services["gateway"]["healthcheck"]["test"]
    assert not containers.probe("gateway", [word.replace("8080", ports["8080"]) for word in test]), "a gateway that is gone is not healthy"


def test_containers_see_only_whom_they_have_to():
    compose = load("compose/compose.yaml")[0]
    assert compose["networks"]["inside"] == {"internal": True}
    for name, service in compose["services"].items():
        assert service["networks"] == (["inside", "outside"] if name == "gateway" else ["inside"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert name == "database" or (service["read_only"] and service["cap_drop"] == ["ALL"])


# ---- Kubernetes ----


def resources():
    files = load("kubernetes/kustomization.yaml")[0]["resources"]
    return [resource for file in files for resource in load(f"kubernetes/{file}")]


def of_kind(kind):
    return {resource["metadata"]["name"]: resource for resource in resources() if resource["kind"] == kind}


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def workloads():
    return {**of_kind("StatefulSet"), **of_kind("Deployment")}


def settings():
    return load("kubernetes/tilewire.yaml")[0]


@pytest.mark.parametrize("resource", resources(), ids=lambda r: f"{r['kind']}-{r['metadata']['name']}")
def test_kubernetes_takes_the_manifests(resource):
    schemas = next((ROOT / "build" / "tools").glob("kubernetes-*"), None)
    if schemas is None:
        pytest.skip("scripts/setup fetches the schemas")
    *group, version = resource["apiVersion"].split("/")
    name = "-".join([resource["kind"].lower(), *(part.split(".")[0] for part in group), version])
    jsonschema.Draft202012Validator(with_its_own(schemas, (schemas / f"{name}.json").read_text())).validate(resource)


def with_its_own(schemas, text):
    """The schema with the few of the thousand definitions that it needs, for looking a name up in all of them takes seconds."""
    refer = re.compile(r'"(?:/api/_definitions\.json)?#/\$defs/([^"]*)"')
    definitions = json.loads((schemas / "_definitions.json").read_text())["$defs"]
    needed, names = {}, refer.findall(text)
    while names:
        name = names.pop()
        if name not in needed:
            definition = json.dumps(definitions[name])
            needed[name] = json.loads(refer.sub(r'"#/$defs/\1"', definition))
            names += refer.findall(definition)
    schema = json.loads(refer.sub(r'"#/$defs/\1"', text))
    del schema["$id"]
    return {**schema, "$defs": needed}


def test_manifests_fit_each_other():
    services, policies = of_kind("Service"), of_kind("NetworkPolicy")
    generated = load("kubernetes/kustomization.yaml")[0]
    secrets = {made["name"]: {file.removeprefix("secrets/") for file in made["files"]} for made in generated["secretGenerator"]}
    for name, workload in workloads().items():
        labels, pod = workload["spec"]["template"]["metadata"]["labels"], pod_of(workload)
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
        service = services["tilewire" if name == "tilewire-gateway" else name]
        assert service["spec"]["selector"].items() <= labels.items()
        for what in (policies[name]["spec"]["podSelector"], of_kind("PodDisruptionBudget")[name]["spec"]["selector"]):
            assert what["matchLabels"].items() <= labels.items()
        container = pod["containers"][0]
        ports = {port["containerPort"] for port in container["ports"]}
        allowed = {port["port"] for rule in policies[name]["spec"]["ingress"] for port in rule["ports"]}
        assert ports == allowed == {int(found) for found in re.findall(r":(\d+)\"?[,}\n]", section(name))}
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == USER
        sources = pod["volumes"][0]["projected"]["sources"]
        assert sources[0]["configMap"]["name"] == generated["configMapGenerator"][0]["name"]
        secret = sources[1]["secret"]
        assert {item["key"] for item in secret["items"]} == secrets[secret["name"]]
        others = {f"{other}.key" for other in ("ingestor", "cache", "gateway")} - {f"{name.removeprefix('tilewire-')}.key"}
        assert not others & secrets[secret["name"]], "keys of others"


def section(name):
    """The lines of what this program listens on."""
    text = yaml.safe_dump(settings()[name.removeprefix("tilewire-")], default_flow_style=False) + "\n"
    return "\n".join(line + "\n" for line in text.splitlines() if "*:" in line).replace("'", "")


def test_upstreams_are_pods():
    for follower, upstream in (("cache", "ingestor"), ("gateway", "cache")):
        spec = of_kind("StatefulSet")[f"tilewire-{upstream}"]["spec"]
        ports = [port["port"] for port in of_kind("Service")[spec["serviceName"]]["spec"]["ports"]]
        expected = [
            dict(zip(("publish", "query"), (f"tcp://tilewire-{upstream}-{i}.{spec['serviceName']}:{port}" for port in ports), strict=True))
            for i in range(spec["replicas"])
        ]
        assert settings()[follower]["upstreams"] == expected


def test_gateways_have_time_to_drain_and_are_counted_by_their_streams():
    pod = pod_of(of_kind("Deployment")["tilewire-gateway"])
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(command[1]) + seconds(settings()["gateway"]["drain"]) + 5
    scaler = of_kind("HorizontalPodAutoscaler")["tilewire-gateway"]["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "tilewire-gateway"}
    metric = scaler["metrics"][0]["pods"]["metric"]["name"]
    rule = load("kubernetes/prometheus-adapter.yaml")[0]["rules"]["custom"][0]
    assert rule["seriesQuery"].startswith(metric + "{")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not in Debian")
def test_kustomize_puts_them_together(folder):
    shutil.copytree(DEPLOY / "kubernetes", folder / "k")
    made = load("kubernetes/kustomization.yaml")[0]
    (folder / "k" / "secrets").mkdir()
    for file in ["clients.yaml", *(file for secret in made["secretGenerator"] for file in secret["files"])]:
        (folder / "k" / file).write_text("x\n")
    done = subprocess.run(["kubectl", "kustomize", folder / "k"], stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(resources()) + 4
    names = {resource["metadata"]["name"] for resource in built if resource["kind"] in ("ConfigMap", "Secret")}
    for resource in built:
        if resource["kind"] in ("StatefulSet", "Deployment"):
            config, secret = pod_of(resource)["volumes"][0]["projected"]["sources"]
            assert {config["configMap"]["name"], secret["secret"]["name"]} <= names
            assert pod_of(resource)["containers"][0]["image"] == "registry.example.org/tilewire:0.2.0"


def make_secrets(folder):
    """As the page says; a folder like docs/deploy/kubernetes afterwards."""
    shutil.copytree(DEPLOY / "kubernetes", folder)
    text = next(text for _, language, text in blocks(ROOT / "docs" / "containers.md", "sh") if "keygen" in text)
    script = replaced(text, ("cd docs/deploy/kubernetes\n", ""))
    subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{bin_folder()}:{os.environ['PATH']}"},
        input="a password\n",
        text=True,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE,
    )
    return folder


def mount(containers, name, made, workload, text):
    """What kubelet puts at /etc/tilewire: links to a folder of this moment, files of root's that the pod's group may read."""
    volume = pod_of(workload)["volumes"][0]["projected"]
    folder = containers.folder / name
    now = folder / "..2026_11_28"
    now.mkdir(parents=True)
    (now / "tilewire.yaml").write_text(text)
    shutil.copy(made / "clients.yaml", now)
    for item in volume["sources"][1]["secret"]["items"]:
        (now / item["path"]).parent.mkdir(exist_ok=True)
        shutil.copy(made / "secrets" / item["key"], now / item["path"])
    for path in [*now.rglob("*"), now]:
        if os.geteuid() == 0:
            os.chown(path, 0, USER)
            path.chmod(0o2755 if path.is_dir() else volume["defaultMode"])
    (folder / "..data").symlink_to(now.name)
    for path in now.iterdir():
        (folder / path.name).symlink_to(f"..data/{path.name}")
    folder.chmod(0o3777)


def test_the_manifests_run(containers, folder, postgres_table):
    """Two ingestors, two caches and two gateways, with keys and a proxy that signs people in; the ingestor that leads is killed."""
    made = make_secrets(folder / "kubernetes")
    names = [f"{program}-{i}" for program in ("ingestor", "cache", "gateway") for i in (0, 1)]
    ports = {name: [str(port) for port in free_ports(2)] for name in names}
    own = {"ingestor": ("7401", "7402"), "cache": ("7411", "7412"), "gateway": ("8080", "9090")}
    text = replaced(
        (made / "tilewire.yaml").read_text(),
        ("postgresql://tilewire@db.example.org/shop", postgres_table.uri),
        ("[10.0.0.0/8]", "[127.0.0.0/8]"),
        ("drain: 20s", "drain: 200ms"),
    )
    for name in names[:4]:
        program = name.split("-")[0]
        changes = zip(own[program], ports[name], strict=True)
        text = replaced(text, *((f"//tilewire-{name}.tilewire-{program}:{port}", f"//127.0.0.1:{ours}") for port, ours in changes))
    for name in names:
        program = name.split("-")[0]
        workload = workloads()[f"tilewire-{program}"]
        mount(containers, name, made, workload, replaced(text, *((f'*:{port}"', f'*:{ours}"') for port, ours in zip(own[program], ports[name], strict=True))))
        containers.start(name, pod_of(workload)["containers"][0]["command"])
    for name in names:
        container = pod_of(workloads()[f"tilewire-{name.split('-')[0]}"])["containers"][0]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            if kind in container:
                wait_until(lambda name=name, probe=container[kind]: passes(containers, name, probe, ports[name][1]), what=f"{kind} of {name}")
    secret = (made / "secrets" / "proxy").read_text().strip()
    signed_in = ["-H", "Host: tiles.example.org", "-H", "X-Auth-Request-User: ann", "-H", f"X-Tilewire-Secret: {secret}"]

    def shown(value):
        return all(f'"value":{value}' in containers.ask(ports[name][0], "/api/tiles/orders.hour", *signed_in)[1] for name in names[4:])

    postgres_table.execute(INSERT)
    wait_until(lambda: shown(1), what="the row on both gateways")
    assert containers.ask(ports["gateway-0"][0], "/api/tiles", *signed_in[:2])[0] == 401
    assert "tilewire_gateway_streams" in containers.ask(ports["gateway-0"][1], "/metrics")[1]
    leader = next(name for name in names[:2] if leads(containers, name))
    containers.programs[leader].kill()
    containers.programs["cache-0"].kill()
    assert passes(containers, "gateway-0", pod_of(workloads()["tilewire-gateway"])["containers"][0]["readinessProbe"], ports["gateway-0"][1])
    postgres_table.execute(INSERT)
    wait_until(lambda: shown(2), what="the row by the standby")
    standby = next(name for name in names[:2] if name != leader)
    assert containers.probe(standby, ["tilewire", "verify", "--from", "ingestor"])
    for name in ("gateway-0", "gateway-1", "cache-1", standby):
        assert containers.end(name), name


def leads(containers, name):
    command = containers.command(name, ["tilewire", "stats", "--from", "ingestor"])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    return re.search(r"^lease_valid +1$", done.stdout, re.M) is not None


def passes(containers, name, probe, admin_port):
    """As kubelet asks: a command in the container, or a GET of a port under the pod's own address."""
    if "exec" in probe:
        return containers.probe(name, probe["exec"]["command"])
    assert probe["httpGet"]["port"] == "admin"
    with contextlib.suppress(ValueError):
        return containers.ask(admin_port, probe["httpGet"]["path"])[0] == 200
    return False
