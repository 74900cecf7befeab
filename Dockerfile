# The command `optide` with the workflow, in the locked environment (docs/container.md).  Debian 12 has Python 3.11, for which
# every locked package has a wheel.  To pin the base by its digest too, append @sha256:..., which this prints:
#   docker buildx imagetools inspect debian:12.12-slim
FROM debian:12.12-slim AS base
# versions of Debian's packages leave its mirrors with the next fix, hence none is named
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/optide \
    && /opt/optide/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml setup.py README.md LICENSE CITATION.cff Snakefile config.yaml claims.yaml ./
COPY src src
COPY workflow workflow
COPY reproducibility reproducibility
RUN /opt/optide/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM base
COPY --from=build /opt/optide /opt/optide
RUN useradd --uid 1000 --home-dir /work --create-home optide
# all that is written goes to /work, whoever runs it: `--user` may name somebody whom the image does not know
ENV PATH=/opt/optide/bin:$PATH \
    LANG=C.UTF-8 \
    USER=optide \
    HOME=/work \
    TMPDIR=/work \
    XDG_CACHE_HOME=/work/.snakemake/cache \
    MPLCONFIGDIR=/work/.snakemake/matplotlib
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["optide"]
CMD ["--help"]
