# The environment of a run is the whole configuration: docker run --rm -e MINIO_URL=... -e BUCKET_PAIR=... mcmirror
# Pin it further with --build-arg PYTHON=python:3.11-slim@sha256:...; this is the Python that the tests run on.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mcmirror ./mcmirror
ENV PIP_BUILD_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/mcmirror \
    && /opt/mcmirror/bin/pip install --no-cache-dir --constraint constraints.txt .
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
# A volume here carries locks and memory from one container to the next.
RUN mkdir -p /home/mcmirror/.local/state/mcmirror
# Red when mc is broken, the configuration wrong, a server away, a key refused or a bucket not to be listed. A few LIST
# requests each time; --no-healthcheck saves them.
HEALTHCHECK --interval=5m --timeout=2m --start-period=30s --retries=2 \
    CMD ["sh", "-c", "mcmirror doctor --read-only || exit 1"]
ENTRYPOINT ["mcmirror"]
CMD ["run"]
