#!/usr/bin/env bash
# The one check: everything that must hold before a change lands. Installs what is missing. Exits non-zero if anything failed or was
# skipped. CLI_SMOKE=1 runs only the command line's smoke test; NEWER_JDK_TESTS=all also runs on the newer JDK what takes long.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

started=$SECONDS
step() { printf '\n=== %s (after %s s)\n' "$*" "$((SECONDS - started))"; }

smoke() {
  step "command line"
  ./greentic-events --version
  ./greentic-events try
  ./greentic-events inspect --pack examples/packs/quickstart
  ./greentic-events inspect --pack examples/packs/quickstart --json >/dev/null
  trial=$(mktemp -d)
  scripts/greentic-events-fixture --out "$trial"
  scripts/greentic-events-test e2e --packs "$trial" >/dev/null
  scripts/events_provider_doctor.sh --pack-root "$trial"
  rm -r "$trial"
  printf '{"n":1}\n{"n":2}\n' | ./greentic-events publish --pack examples/packs/quickstart --tenant acme --json orders.created -
}

if [ "${CLI_SMOKE:-}" = 1 ]; then
  smoke
  exit 0
fi

find_jdk() { # the newest installed JDK of at least this version
  local candidate version best=0 found=
  for candidate in "${JAVA_HOME:-/none}" /usr/lib/jvm/*; do
    [ -x "$candidate/bin/javac" ] || continue
    version=$("$candidate/bin/javac" -version 2>&1 | sed -E 's/^javac ([0-9]+).*/\1/')
    if [ "$version" -ge "$1" ] && [ "$version" -le "$2" ] && [ "$version" -gt "$best" ]; then
      best=$version found=$candidate
    fi
  done
  printf '%s' "$found"
}

jdk17=$(find_jdk 17 17)
if [ -z "$jdk17" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  step "installing a JDK 17"
  apt-get -q update
  DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends openjdk-17-jdk-headless
  jdk17=$(find_jdk 17 17)
fi
[ -n "$jdk17" ] || { echo "a JDK 17 is needed: it is the floor that the code must build on" >&2; exit 1; }

step "servers for the tests"
NATS_SERVER=$(ci/nats_server.sh)
export NATS_SERVER
"$NATS_SERVER" --version
DOCKER_REGISTRY=$(ci/docker_registry.sh)
export DOCKER_REGISTRY
"$DOCKER_REGISTRY" --version

can_mount() { # whether a disk can be made and mounted here, for the tests that cut its power
  local trial rc=0
  trial=$(mktemp -d)
  truncate -s 16M "$trial/image" && mkdir "$trial/disk" && mkfs.ext4 -q -F "$trial/image" 2>/dev/null &&
    mount -o loop "$trial/image" "$trial/disk" 2>/dev/null && umount "$trial/disk" || rc=1
  rm -rf "$trial"
  return "$rc"
}
excluded=none
if ! can_mount; then
  excluded=power-loss
  echo "note: no disk can be mounted here (root, mkfs.ext4 and loop devices), so the tests tagged power-loss do not run"
fi

step "format, build and tests on JDK 17 ($jdk17)"
JAVA_HOME=$jdk17 ci/maven -B -ntp clean verify -Dtest.excluded.groups="$excluded"

newer=$(find_jdk 21 99)
if [ -n "$newer" ]; then
  # Error Prone and NullAway run on the newer JDK; its own folder keeps the first build's results.
  step "Error Prone, NullAway and the tests again on $newer"
  rm -rf target/newer
  mkdir -p target/newer
  git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C target/newer
  excludes=(-Dsurefire.excludesFile="$PWD/ci/newer_jdk_excludes.txt")
  if [ "${NEWER_JDK_TESTS:-}" = all ]; then
    excludes=(-Dtest.excluded.groups="$excluded")
  fi
  (cd target/newer && JAVA_HOME=$newer MAVEN_OPTS="${MAVEN_OPTS:-}" ../../ci/maven -B -ntp verify -Dspotless.check.skip=true "${excludes[@]}")
else
  echo "note: no JDK of version 21 or newer here, so Error Prone and NullAway did not run"
fi

smoke

step "nothing was skipped"
count() { # sum of an attribute over all reports
  find . -path '*/target/surefire-reports/TEST-*.xml' -print0 |
    xargs -0 -r sed -nE "s/^<testsuite .* $1=\"([0-9]+)\".*/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}
tests=$(count tests) failures=$(($(count failures) + $(count errors))) skipped=$(count skipped)
echo "$((tests - failures - skipped)) passed, $failures failed, $skipped skipped"
if [ "$tests" = 0 ] || [ "$failures" != 0 ] || [ "$skipped" != 0 ]; then
  echo "the check fails: tests must run, pass, and not be skipped" >&2
  exit 1
fi
step "all is well"
