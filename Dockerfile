# One image for the three workers and the board; compose.yaml says which one a container is.  Nothing is compiled, nothing is fetched but
# what requirements.lock names by hash.  The newest Python that `requires-python` allows and every wheel is built for.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/reelqueue
ENV PATH=/opt/reelqueue/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE THIRD_PARTY.md worker_settings.py ./
COPY jobs jobs
COPY progress progress
COPY storage storage
COPY reelqueue reelqueue
COPY deploy/docker/keep_runtime.py ./
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip install --no-deps --no-index /dist/*.whl \
    && pip check \
    && python keep_runtime.py \
    && python -I -c 'import worker_settings, reelqueue.media.encode, reelqueue.providers.local.voice.child'

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="reelqueue" \
      org.opencontainers.image.description="Turns a topic or a text into a published video, once" \
      org.opencontainers.image.licenses="MIT"
# A named volume that is mounted at /data for the first time takes over this owner and mode.
RUN groupadd --gid 10001 reelqueue \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin reelqueue \
    && install --directory --mode 0700 --owner 10001 --group 10001 /data
# Each package's own licence lies beside it (*.dist-info/licenses), Debian's in /usr/share/doc; this page says what is what.
COPY LICENSE THIRD_PARTY.md /usr/share/doc/reelqueue/
COPY --from=build /opt/reelqueue /opt/reelqueue
ENV PATH=/opt/reelqueue/bin:$PATH DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/reelqueue
USER 10001:10001
STOPSIGNAL SIGTERM
# No HEALTHCHECK: what to ask depends on the worker, so compose.yaml asks it.
CMD ["arq", "worker_settings.VideoWorker"]
