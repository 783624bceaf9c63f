#!/usr/bin/env bash
# Runs the simulation: ci/simulate.sh [--seed N] [--seeds COUNT] [--steps N] [--plant DEFECT]. A seed replays exactly; a failing run is
# shrunk to a short one. Exits with 1 if a promise was broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ci/maven -q -B -ntp -pl simulation -am package -DskipTests -Dspotless.check.skip=true
exec java -Xmx1g -cp "simulation/target/classes:simulation/target/lib/*" ai.greentic.events.simulation.Simulation "$@"
