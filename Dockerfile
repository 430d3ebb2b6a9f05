# docker build -t harness .
# docker run --rm -v harness-cache:/cache harness data fetch bfcl
# docker run --rm -v harness-cache:/cache -v harness-results:/work/results harness run --model tiny --tasks simple_python
#
# A folder of the host in place of a volume has to be writable for uid 1000.
# torch comes from pip's own index, which on x86-64 has its CUDA build: start that with --gpus all; it runs on CPUs, too.
# The CPU build is several GB smaller: --build-arg TORCH_INDEX=URL, the index of CPU builds that PyTorch's page names.
# More extras: --build-arg EXTRAS=hf,code,train. Which sandbox holds programs in a container: harness/sandbox/README.md.
FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
ARG TORCH_INDEX=
ARG EXTRAS=hf,code
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/constraints.txt /wheels/*.whl /tmp/install/
RUN pip install --no-cache-dir --constraint /tmp/install/constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch \
 && pip install --no-cache-dir --constraint /tmp/install/constraints.txt "$(echo /tmp/install/*.whl)[$EXTRAS]" \
 && rm -r /tmp/install
RUN useradd --create-home --uid 1000 harness \
 && install --directory --owner=harness /work /work/results /cache
ENV HARNESS_CACHE=/cache HF_HOME=/cache/huggingface
USER harness
WORKDIR /work
VOLUME ["/work/results", "/cache"]
ENTRYPOINT ["harness"]
CMD ["--help"]
