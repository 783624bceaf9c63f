#!/usr/bin/env bash
# Runs a command for each pack that is found: scripts/each_pack.sh validate|inspect [--provider TEXT] [--pack-root DIR] [--strict] [--allow-empty].
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command=$1 filter='' empty=no
shift
roots=() options=()
while [ $# -gt 0 ]; do
  case $1 in
    --provider) filter=${2:?--provider needs a text} && shift ;;
    --pack-root | --pack-dir) roots+=("${2:?$1 needs a directory}") && shift ;;
    --strict) options+=(--strict) ;;
    --allow-empty) empty=yes ;;
    *)
      echo "unknown argument $1; known are --provider, --pack-root, --strict and --allow-empty" >&2
      exit 1
      ;;
  esac
  shift
done
[ ${#roots[@]} -gt 0 ] || roots=(providers packs)
packs=()
while IFS= read -r -d '' file; do
  pack=${file%/pack.yaml}
  [[ $pack != *"$filter"* ]] || packs+=("$pack")
done < <(for root in "${roots[@]}"; do
  [ ! -d "$root" ] || find "$root" -type f \( -name pack.yaml -o -name '*.gtpack' \) -print0
done | sort -z)
if [ ${#packs[@]} -eq 0 ]; then
  echo "no pack below ${roots[*]}${filter:+ with $filter in its path}" >&2
  [ "$empty" = yes ]
  exit
fi
status=0
for pack in "${packs[@]}"; do
  "$home/greentic-events" "$command" --pack "$pack" "${options[@]}" || status=$?
done
exit "$status"
