# The environment is the whole configuration: docker run --rm -e MINIO_URL=... -e BUCKET_PAIR=... mcmirror
# Pin it further with --build-arg PYTHON=python:3.11-slim@sha256:...; this is the Python that the tests run on.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mcmirror ./mcmirror
ENV PIP_BUILD_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/mcmirror \
    && /opt/mcmirror/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgresql]'
# mc's last release, checked against the sha256 in the package. A mirror of the releases: --build-arg MCMIRROR_MC_URL=...
ARG MCMIRROR_MC_URL=
RUN XDG_DATA_HOME=/opt /opt/mcmirror/bin/mcmirror mc install

FROM ${PYTHON}
LABEL org.opencontainers.image.title="mcmirror" \
      org.opencontainers.image.description="Mirrors buckets with mc, and knows that the copy is there" \
      org.opencontainers.image.licenses="MIT AND AGPL-3.0-or-later"
RUN useradd --uid 10001 --create-home mcmirror
COPY --from=build /opt /opt
ENV PATH=/opt/mcmirror/bin:$PATH MCMIRROR_MC=/opt/mcmirror/bin/mc
USER 10001
WORKDIR /home/mcmirror
# A volume here carries what is remembered from one container to the next: locks, runs, and who was told what.
RUN mkdir -p /home/mcmirror/.local/state/mcmirror
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
