# The README's steps on a machine that has nothing but Python: docker build -t harness . && docker run harness
FROM python:3.11-slim
# make for the commands; bubblewrap for the sandbox that runs model-written programs.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap git make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /harness
COPY . .
RUN make setup
CMD ["make", "run"]
