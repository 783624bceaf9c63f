#!/usr/bin/env bash
# Prints the path of a nats-server of at least 2.11, for tests. Takes the one on the path if it is new enough; else fetches Debian's newest
# package once, with an apt configuration of its own, and unpacks it beside the other downloads: nothing of the system changes.
set -euo pipefail

least=2.11
tools=${GREENTIC_EVENTS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/greentic-events}
own=$tools/nats-server/usr/sbin/nats-server

new_enough() { # whether a program is there and new enough
  local version
  version=$("$1" --version 2>/dev/null | sed -nE 's/.*v([0-9]+\.[0-9]+).*/\1/p') || return 1
  [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$least" "$version" | sort -V | head -n 1)" = "$least" ]
}

for candidate in "${NATS_SERVER:-}" "$(command -v nats-server || true)" "$own"; do
  if [ -n "$candidate" ] && new_enough "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done

for program in apt-get dpkg dpkg-deb; do
  command -v "$program" >/dev/null || {
    echo "no nats-server of version $least or newer: install one, or say where it is with NATS_SERVER" >&2
    exit 1
  }
done

mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
  sed -nE 's/^(deb (\[[^]]*\] )?|URIs: *)(https?:[^ ]*debian\/?)( .*)?$/\3/p' | sed -n 1p)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -n "$mirror" ] && [ -e "$keyring" ] || {
  echo "no nats-server of version $least or newer, and no mirror of Debian to fetch one from: say where it is with NATS_SERVER" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/empty"
echo "deb [signed-by=$keyring] $mirror unstable main" >"$work/sources.list"
apt=(apt-get -q
  -o "Dir::Etc::SourceList=$work/sources.list"
  -o "Dir::Etc::SourceParts=$work/empty"
  -o "Dir::Etc::Preferences=$work/empty/none"
  -o "Dir::Etc::PreferencesParts=$work/empty"
  -o "Dir::State::Lists=$work/lists"
  -o "Dir::Cache=$work/cache"
  -o "APT::Sandbox::User=$(id -un)"
  -o "Acquire::Retries=3"
  -o "Acquire::Languages=none")
"${apt[@]}" update >&2
(cd "$work" && "${apt[@]}" download nats-server >&2)
mkdir -p "$tools"
rm -rf "$tools/nats-server.new"
dpkg-deb -x "$work"/nats-server_*.deb "$tools/nats-server.new"
rm -rf "$tools/nats-server"
mv "$tools/nats-server.new" "$tools/nats-server"
new_enough "$own" || {
  echo "the nats-server that was fetched does not run, or is older than $least: $("$own" --version 2>&1 || true)" >&2
  exit 1
}
printf '%s\n' "$own"
