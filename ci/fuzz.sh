#!/usr/bin/env bash
# Fuzzes the readers of what others write: ci/fuzz.sh [SECONDS] [TARGET]; a minute each by default. Targets: cbor, envelope, pattern, signature,
# yaml, zip. Begins with fuzz/corpus, goes on from fuzz/target/corpus; what is found lies in fuzz/target/findings, and belongs into fuzz/corpus
# once it is repaired.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60} target=${2:-}
ci/maven -B -ntp -q -pl fuzz -am test -Dtest=FuzzTest -Dsurefire.failIfNoSpecifiedTests=false -Dspotless.check.skip=true \
  "-Dtest.jvm.args=-Xmx512m -Dfuzz.seconds=$seconds -Dfuzz.target=$target" "-Dtest.jvm.seconds=$((seconds * 6 + 600))"
grep -h '^fuzzed' fuzz/target/surefire-reports/*-output.txt
