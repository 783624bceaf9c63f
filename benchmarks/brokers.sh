#!/usr/bin/env bash
# Measures the fabric beside a broker's own client, on a server of its own: benchmarks/brokers.sh nats [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ci/maven -q -B -ntp -pl benchmarks -am package -DskipTests -Dspotless.check.skip=true
directory="$(mktemp -d)"
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null; rm -rf "$directory"' EXIT
case "${1:-}" in
    nats)
        "$(ci/nats_server.sh)" --addr 127.0.0.1 --port 0 --ports_file_dir "$directory" --jetstream \
            --store_dir "$directory/store" --log "$directory/log" &
        server=$!
        for _ in $(seq 100); do
            url="$(grep -o 'nats://[^"]*' "$directory"/*.ports 2> /dev/null | head -1)" && break
            sleep 0.1
        done
        ;;
    *)
        echo "usage: benchmarks/brokers.sh nats [SECONDS]" >&2
        server=
        exit 2
        ;;
esac
java ${JAVA_OPTS:-} -cp "benchmarks/target/classes:benchmarks/target/lib/*" \
    ai.greentic.events.benchmarks.BrokerLoad "$1" "$url" "${2:-3}"
