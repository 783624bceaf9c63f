#!/usr/bin/env bash
# Validates packs: scripts/events_provider_doctor.sh [--provider TEXT] [--pack-root DIR] [--strict] [--allow-empty]. Those below ./providers and
# ./packs, or below DIR, whose paths have TEXT in them. Exits non-zero when there is none, unless --allow-empty.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/each_pack.sh" validate "$@"
