# The command line of pipelines, `interference`: neither torch nor Ray.
# From the root of the checkout: docker build --file deploy/docker/client.Dockerfile .

# A release gives this by digest: --build-arg BASE_IMAGE=python@sha256:…
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY constraints.txt pyproject.toml README.md LICENSE ./
# Newer versions of pip take the constraints of what builds us from the second variable.
ENV PIP_CONSTRAINT=/build/constraints.txt PIP_BUILD_CONSTRAINT=/build/constraints.txt
COPY proto proto
COPY client client
COPY service service
RUN python3 -m venv /opt/interference \
    && /opt/interference/bin/pip wheel --no-deps --wheel-dir /wheels . \
    && /opt/interference/bin/pip install "$(echo /wheels/*.whl)[cli]"

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gradient-interference client" \
      org.opencontainers.image.description="Submits analyses and checks their results, in pipelines" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 interference \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home \
       --home-dir /tmp --shell /usr/sbin/nologin interference
COPY --from=build /opt/interference /opt/interference
ENV PATH=/opt/interference/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["interference"]
CMD ["--help"]
