#!/usr/bin/env bash
# Prints the path of a docker-registry (the distribution registry), for tests. Takes the one on the path; else fetches Debian's package
# once and unpacks it beside the other downloads, so that nothing of it runs as a service.
set -euo pipefail

tools=${GREENTIC_EVENTS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/greentic-events}
own=$tools/docker-registry/usr/bin/docker-registry

for candidate in "${DOCKER_REGISTRY:-}" "$(command -v docker-registry || true)" "$own"; do
  if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done

for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || {
    echo "no docker-registry: install one, or say where it is with DOCKER_REGISTRY" >&2
    exit 1
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { (cd "$work" && apt-get -q download docker-registry) >&2; }
if ! fetch && [ "$(id -u)" = 0 ]; then
  apt-get -q update >&2
  fetch
fi
mkdir -p "$tools/docker-registry"
dpkg-deb -x "$work"/docker-registry_*.deb "$tools/docker-registry"
"$own" --version >&2
printf '%s\n' "$own"
