# The environment is the whole configuration: docker run --rm -e MINIO_URL=... -e BUCKET_PAIR=... mcmirror
# Pin them further with --build-arg PYTHON=python:3.11-slim@sha256:...; this is the Python that the tests run on.
ARG PYTHON=python:3.11-slim
ARG GO=golang:1.26
# Where mc comes from: unless --build-arg MC=... says otherwise "go" builds it, and Go's checksum database vouches for the
# source. "release" fetches the last release, which must have the sha256 in the package; "file" takes the file mc of this
# folder, which must have the one in MC_SHA256. The stages of the others are skipped, and the Go image is not pulled.
ARG MC

FROM ${GO} AS mc-go
# A proxy of your own: --build-arg GOPROXY=https://...
ARG GOPROXY
ARG GOSUMDB
RUN GOBIN=/opt/mcmirror/bin CGO_ENABLED=0 go install -trimpath -ldflags=-s \
    github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mcmirror ./mcmirror
# A package index of your own: --build-arg PIP_INDEX_URL=https://...
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_CERT
ENV PIP_BUILD_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/mcmirror \
    && /opt/mcmirror/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgresql,celery]'

FROM build AS mc-release
# A mirror of the releases: --build-arg MCMIRROR_MC_URL=...
ARG MCMIRROR_MC_URL=
RUN XDG_DATA_HOME=/opt /opt/mcmirror/bin/mcmirror mc install

FROM ${PYTHON} AS mc-file
ARG MC_SHA256
COPY mc /opt/mcmirror/bin/mc
RUN echo "${MC_SHA256:?is the sha256 of the file mc}  /opt/mcmirror/bin/mc" >/sums \
    && sha256sum --check /sums \
    && chmod 755 /opt/mcmirror/bin/mc

# hadolint ignore=DL3006
FROM mc-${MC:-go} AS mc

FROM ${PYTHON}
LABEL org.opencontainers.image.title="mcmirror" \
      org.opencontainers.image.description="Mirrors buckets with mc, and knows that the copy is there" \
      org.opencontainers.image.licenses="MIT AND AGPL-3.0-or-later"
# A volume on the last of these folders carries what is remembered from one container to the next: locks, runs, and who was
# told what. They are group 0's too, which is the group of any user that an engine is told to take.
RUN useradd --uid 10001 --create-home mcmirror \
    && mkdir -p /home/mcmirror/.local/state/mcmirror \
    && chown -R 10001:0 /home/mcmirror \
    && chmod -R g=u /home/mcmirror
COPY --from=build /opt/mcmirror /opt/mcmirror
COPY --from=mc /opt/mcmirror/bin/mc /opt/mcmirror/bin/mc
# HOME is said for users whom /etc/passwd does not know: `docker run --user 1234`.
ENV PATH=/opt/mcmirror/bin:$PATH MCMIRROR_MC=/opt/mcmirror/bin/mc HOME=/home/mcmirror
# An mc that does not run here (of another architecture) ends the build.
RUN mcmirror mc path
USER 10001
WORKDIR /home/mcmirror
# `mcmirror serve` is asked whether it is alive and its copies are young enough. A single run has nothing to answer with
# but its exit code: it counts as healthy while it lasts, so that no orchestrator ends a long one.
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m --retries=3 \
    CMD ["sh", "-c", "tr '\\0' '\\n' </proc/1/cmdline | grep -qx serve || exit 0; mcmirror health || exit 1"]
# Health and metrics of `mcmirror serve`: inside of the container only, until MCMIRROR_LISTEN=0.0.0.0:8080 is set.
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["mcmirror"]
# Once, for cron and CronJobs. A container that stays, with a restart policy, is told to: `serve`.
CMD ["run"]
