#!/usr/bin/env bash
# Fetches provider packs from a registry: scripts/pull_providers.sh [DEST]. IMAGE names another artifact than the documented one, which
# nobody has published so far. Exits non-zero when nothing was fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec ./greentic-events pull "${IMAGE:-oci://ghcr.io/greentic-ai/greentic-events-providers:latest}" \
  --output "${1:-./dist/greentic-events-providers}"
