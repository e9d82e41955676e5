# Ordeal's `checker` in an image: a static binary, and the one program that it needs beside it (nft,
# to cut links between containers).
#
#   docker build -t ordeal-checker .
#
# `--build-arg BINARY=IMAGE` takes /checker out of an image instead of compiling it, with BuildKit: the
# old builder, which does the rest as well, compiles all the same.

ARG BINARY=build

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
ENV RUSTFLAGS="-C target-feature=+crt-static"
# A target of its own keeps the flag from build scripts and procedural macros.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked --bin checker --target "$target" \
 && cp "target/$target/release/checker" /checker \
 && strip /checker

FROM ${BINARY} AS binary

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nftables \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=65532 /store /data
COPY --from=binary /checker /usr/local/bin/checker
COPY scenarios /scenarios
LABEL org.opencontainers.image.title="Ordeal" \
      org.opencontainers.image.description="Puts a replicated system through faults and proves whether it was linearizable" \
      org.opencontainers.image.licenses="Apache-2.0"
# Judging histories and being a node of the sandbox need no privilege. Breaking containers needs the
# engine's socket, which usually means root: see compose.yaml.
USER 65532:65532
WORKDIR /work
# It is a command and not a service: its exit code says how it is, and there is nothing to probe.
HEALTHCHECK NONE
ENTRYPOINT ["checker"]
CMD ["--help"]
