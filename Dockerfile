# SPDX-License-Identifier: Apache-2.0
# One image with the four programs, of the very package that scripts/package builds. Which one a container runs is its command:
#
#   docker build -t tilewire .
#   docker run --rm tilewire tilewire check
#   docker run --rm -v ./tilewire.yaml:/etc/tilewire/tilewire.yaml:ro tilewire tilewire-ingestor
#
# docs/containers.md has a compose file, and manifests for Kubernetes.
ARG DEBIAN=bookworm-slim

FROM debian:${DEBIAN} AS build
COPY . /tilewire
RUN /tilewire/scripts/package /package

FROM debian:${DEBIAN}
# Numbers, so that Kubernetes sees that it is not root (runAsNonRoot), and files can be given to it.
RUN groupadd --system --gid 10001 tilewire && \
    useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/tilewire --shell /usr/sbin/nologin tilewire
RUN --mount=type=bind,from=build,source=/package,target=/package \
    apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /package/tilewire_*.deb && \
    rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log && \
    install -d -o tilewire -g tilewire /var/lib/tilewire
USER 10001:10001
WORKDIR /var/lib/tilewire
# The state of a source without a database: checkpoint: "file:/var/lib/tilewire/state"
VOLUME /var/lib/tilewire
# Of a gateway; of the others 7401 and 7402 (ingestor), 7411 and 7412 (cache).
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["tilewire", "--help"]
