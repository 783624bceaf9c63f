#!/usr/bin/env bash
# Measures the fabric beside a broker's own client, on a server of its own: benchmarks/brokers.sh nats|kafka [SECONDS [ROWS]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ci/maven -q -B -ntp -pl benchmarks -am package -DskipTests -Dspotless.check.skip=true
classpath="benchmarks/target/classes:benchmarks/target/lib/*"
directory="$(mktemp -d)"
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; } 2> /dev/null; rm -rf "$directory"' EXIT
case "${1:-}" in
    nats)
        "$(ci/nats_server.sh)" --addr 127.0.0.1 --port 0 --ports_file_dir "$directory" --jetstream \
            --store_dir "$directory/store" --log "$directory/log" &
        server=$!
        for _ in $(seq 100); do
            address="$(grep -o 'nats://[^"]*' "$directory"/*.ports 2> /dev/null | head -1)" && break
            sleep 0.1
        done
        ;;
    kafka)
        port=19095
        cat > "$directory/server.properties" << END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:19096
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:19096
controller.listener.names=CONTROLLER
log.dirs=$directory/store
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
END
        java -cp "$classpath" kafka.tools.StorageTool format --cluster-id Z3JlZW50aWMtZXZlbnRzLQ \
            --config "$directory/server.properties" > "$directory/log" 2>&1
        java -Xmx1g -cp "$classpath" kafka.Kafka "$directory/server.properties" > "$directory/log" 2>&1 &
        server=$!
        address="127.0.0.1:$port"
        for _ in $(seq 300); do
            (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
            sleep 0.1
        done
        ;;
    *)
        echo "usage: benchmarks/brokers.sh nats|kafka [SECONDS [ROWS]]" >&2
        exit 2
        ;;
esac
java ${JAVA_OPTS:-} -cp "$classpath" ai.greentic.events.benchmarks.BrokerLoad "$1" "$address" "${2:-3}" "${3:-.*}"
