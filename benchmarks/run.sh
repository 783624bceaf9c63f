#!/usr/bin/env bash
# Builds and runs the JMH benchmarks. Arguments go to JMH, for example: benchmarks/run.sh CodecBenchmark -prof gc
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ci/maven -q -B -ntp -pl benchmarks -am package -DskipTests -Dspotless.check.skip=true
exec java -cp "benchmarks/target/classes:benchmarks/target/lib/*" org.openjdk.jmh.Main "$@"
