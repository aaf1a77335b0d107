# One image for every role: nightshift worker, setup, sim and the rest. It holds
# the program, certificates and time zones, and runs as nobody in particular on
# a read-only file system; what it writes goes to /var/lib/nightshift.
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
ENV CGO_ENABLED=0 GOWORK=off GOFLAGS=-buildvcs=false
RUN go mod download
COPY . .
RUN go build -trimpath -ldflags "-s -w" -o /out/nightshift ./cmd/nightshift \
 && mkdir /out/temp \
 && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /out/zoneinfo.zip

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/zoneinfo.zip /zoneinfo.zip
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build --chown=65532:65532 /out/temp /var/lib/nightshift
COPY --from=build /out/nightshift /nightshift
ENV ZONEINFO=/zoneinfo.zip NIGHTSHIFT_TEMP_DIR=/var/lib/nightshift
USER 65532:65532
ENTRYPOINT ["/nightshift"]
