#!/usr/bin/env bash
# Fetches the packs of a provider: scripts/events_provider_fetch.sh [--provider NAME] [--pack-root DIR] [--oci-ref REFERENCE]. They go to
# DIR/NAME; DIR is ./providers if it is there, else ./packs. Exits non-zero when nothing was fetched.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
provider=greentic-events-providers root='' reference=''
while [ $# -gt 0 ]; do
  case $1 in
    --provider) provider=${2:?--provider needs a name} ;;
    --pack-root | --pack-dir) root=${2:?$1 needs a directory} ;;
    --oci-ref | --ref) reference=${2:?$1 needs a reference} ;;
    *)
      echo "unknown argument $1; known are --provider, --pack-root and --oci-ref" >&2
      exit 1
      ;;
  esac
  shift 2
done
case $provider in
  */* | .* | '')
    echo "--provider '$provider' is no plain name; it becomes the name of a directory" >&2
    exit 1
    ;;
esac
if [ -z "$root" ]; then
  root=$([ -d providers ] && echo ./providers || echo ./packs)
fi
reference=${reference:-ghcr.io/greentic-ai/$provider:latest}
exec "$home/greentic-events" pull "oci://${reference#oci://}" --output "$root/$provider"
