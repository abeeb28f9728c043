# The app.
FROM node:22-bookworm-slim AS spa
WORKDIR /src/spa
COPY spa/package.json spa/package-lock.json spa/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY spa/ ./
RUN npm run build

# One static binary with the app inside.
FROM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY bff/ bff/
COPY spa/embed.go spa/
COPY spa/dist.placeholder spa/dist.placeholder/
COPY --from=spa /src/spa/dist spa/dist/
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/gatehouse ./bff
# For the user below; a volume mounted on /data takes its owner over.
RUN mkdir -m 0700 /out/data /out/tmp

# Nothing else: no shell, no package manager, no root.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/gatehouse /gatehouse
USER 65532:65532
# In a container, localhost is not reachable from outside; DATA_DIR is for embedded mode only.
ENV LISTEN_ADDR=:8080 DATA_DIR=/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/gatehouse", "healthcheck"]
ENTRYPOINT ["/gatehouse"]
CMD ["serve"]
