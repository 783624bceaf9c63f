#!/usr/bin/env bash
# Shows what a pack contains: scripts/inspect_pack.sh [PACK]; a directory, an archive, oci://REFERENCE, or a directory of packs. The default
# is the example pack.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec "$home/greentic-events" inspect --pack "${1:-$home/examples/packs/quickstart}"
