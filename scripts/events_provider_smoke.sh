#!/usr/bin/env bash
# Inspects packs: scripts/events_provider_smoke.sh [--provider TEXT] [--pack-root DIR] [--allow-empty]. Which ones: as events_provider_doctor.sh.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/each_pack.sh" inspect "$@"
