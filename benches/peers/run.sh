#!/usr/bin/env bash
# One rule in Mareva, Flink SQL and Kafka Streams, on one Kafka topic and the same cores: rates, ratios, and whether the
# results agree. It leaves nothing behind but the programs in target/peers. Half an hour or so, most of it the peers'.
#
#   cargo build --release --workspace --bin mareva && benches/peers/run.sh
#
#   --rounds=3                 each system once a round
#   --sets=short,long          ~20 rows in a window, ~1,000 rows in a window
#   --records=2000000          of the short set; --long-records=1000000 of the long one
#   --rows=20                  in a window of the short set; --long-rows=1000 of the long one
#   --short=…, --long=…        systems: mareva,flink-over,flink-hop,streams (long: mareva,flink-over)
#   --cores=0,1                cores of each system; Flink and Kafka Streams have as many tasks
#   --broker-cores=0,1         cores of the broker; those of the systems
#   --checkpoint="1 s"         of Flink
#   MAREVA_BIN=FILE            the binary; target/release/mareva
#   MAREVA_PEERS_WORK=DIR      where topics and state are for the time being; a folder in /tmp
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
built="${CARGO_TARGET_DIR:-$root/target}"
mareva="${MAREVA_BIN:-$built/release/mareva}"
programs="$built/peers"
cores=0,1
for option in "$@"; do
    case "$option" in
        --cores=*) cores="${option#*=}" ;;
        --broker-cores=*) broker_cores="${option#*=}" ;;
    esac
done
broker_cores="${broker_cores:-$cores}"

for tool in java mvn taskset; do
    command -v "$tool" >/dev/null || { echo "missing: $tool; it needs Java 17, Maven and util-linux" >&2; exit 1; }
done
if [ ! -x "$mareva" ]; then
    echo "missing: $mareva; build it with cargo build --release --workspace --bin mareva, or name another in MAREVA_BIN" >&2
    exit 1
fi

mkdir -p "$programs"
# Artifacts come from Maven's own cache after the first time.
mvn -q -B -f "$here/pom.xml" -DbuildDirectory="$programs/build" compile dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$programs/lib" >"$programs/maven.log" 2>&1 \
    || { cat "$programs/maven.log" >&2; exit 1; }
classes="$programs/build/classes:$programs/lib/*"

work="$(mktemp -d "${MAREVA_PEERS_WORK:-${TMPDIR:-/tmp}}/mareva-peers.XXXXXX")"
broker=
compare=
# The comparison ends its children itself; nothing of it outlives this script, however it ends.
clean() {
    trap - EXIT INT TERM
    for process in $compare $broker; do
        kill "$process" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$process" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Three ports that nobody has, as the operating system gives them out.
cat >"$work/Ports.java" <<'JAVA'
public class Ports {
    public static void main(String[] args) throws Exception {
        java.net.ServerSocket[] sockets = new java.net.ServerSocket[3];
        for (int at = 0; at < 3; at++) {
            sockets[at] = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
        }
        for (java.net.ServerSocket socket : sockets) {
            System.out.println(socket.getLocalPort());
            socket.close();
        }
    }
}
JAVA
ports=()
while read -r port; do ports+=("$port"); done < <(java "$work/Ports.java")
port="${ports[0]}" controller="${ports[1]}" jmx="${ports[2]}"

cat >"$work/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$work/kafka
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.segment.delete.delay.ms=1000
EOF
quiet=-Dorg.slf4j.simpleLogger.defaultLogLevel=warn
java "$quiet" -cp "$classes" kafka.tools.StorageTool format --standalone -t 3Db5QLSqSZieL3rJBUUegA \
    -c "$work/server.properties" >/dev/null
taskset -c "$broker_cores" java -Xms1g -Xmx1g -cp "$classes" \
    -Dcom.sun.management.jmxremote.port="$jmx" -Dcom.sun.management.jmxremote.rmi.port="$jmx" \
    -Dcom.sun.management.jmxremote.host=127.0.0.1 -Djava.rmi.server.hostname=127.0.0.1 \
    -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false \
    kafka.Kafka "$work/server.properties" >"$work/kafka.log" 2>&1 &
broker=$!
for wait in $(seq 900); do
    grep -q "Kafka Server started" "$work/kafka.log" && break
    if [ "$wait" -eq 900 ] || ! kill -0 "$broker" 2>/dev/null; then
        echo "Apache Kafka does not start within three minutes:" >&2
        tail -n 30 "$work/kafka.log" >&2
        exit 1
    fi
    sleep 0.2
done

echo "$(date -u +%F) $(uname -sm), $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'), cores $cores of $(nproc)," \
    "broker on $broker_cores; load before $(cut -d ' ' -f 1 /proc/loadavg); $("$mareva" --version)"
# Topics that were made a moment ago are not there yet for a moment: not worth a warning.
java -Xmx2g "$quiet" -Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error -cp "$classes" \
    mareva.peers.Compare --brokers="127.0.0.1:$port" --jmx-port="$jmx" --broker-pid="$broker" \
    --mareva="$mareva" --work="$work" --rule="$here/rules/hourly-outflow" "$@" &
compare=$!
wait "$compare"
