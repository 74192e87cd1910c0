# Builds the server and puts it, and nothing else of the build, on a small base.
#   docker build -t photondb .
#   docker run -p 28015:28015 -p 8080:8080 -v photondb:/data -e PHOTONDB_INITIAL_PASSWORD=secret photondb
FROM rust:1.95-slim-bookworm AS build
# Debian keeps no old versions that could be asked for.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin photondb \
 && install -D --strip target/release/photondb /out/photondb

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin photondb \
 && install -d -o photondb -g photondb /data
COPY --from=build /out/photondb /usr/local/bin/photondb
USER 10001
WORKDIR /data
VOLUME /data
# Whoever publishes the ports decides who reaches them: set PHOTONDB_INITIAL_PASSWORD, too.
ENV PHOTONDB_DIRECTORY=/data \
    PHOTONDB_BIND=all
EXPOSE 28015 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=60s --interval=10s --timeout=3s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/${PHOTONDB_HTTP_PORT:-8080} && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["photondb"]
CMD ["serve"]
