# syntax=docker/dockerfile:1
# One static binary on an empty image: no shell, no package, a user without rights.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build VERSION="$VERSION" && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /src/bin/rooftop /rooftop
COPY --from=build --chown=65532:65532 /data /var/lib/rooftop
# Time zones are in the binary.
ENV ROOFTOP_ENV=production \
    ROOFTOP_ADDR=0.0.0.0:8080 \
    ROOFTOP_DATA_DIR=/var/lib/rooftop
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/rooftop", "ready"]
ENTRYPOINT ["/rooftop"]
CMD ["serve"]
