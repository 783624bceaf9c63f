#!/bin/sh
# A broker of a few lines: every event is a file. Speaks the live command protocol: one request on standard input, one answer on standard
# output. Usage: broker.sh DIRECTORY. It reads JSON with sed, which holds for what the fabric writes: one line, "op" first, "event" last.
set -eu
dir=$1
mkdir -p "$dir/events" "$dir/positions"
request=$(cat)
field() { printf '%s' "$request" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

case $(printf '%s' "$request" | sed -n 's/^{"op":"\([a-z_]*\)".*/\1/p') in
  publish)
    event=$(printf '%s' "$request" | sed 's/^{"op":"publish","pack_id":"[^"]*","provider":"[^"]*","event"://; s/}$//')
    number=$(find "$dir/events" -type f | wc -l)
    printf '%s' "$event" >"$dir/events/.new"
    mv "$dir/events/.new" "$dir/events/$number"
    echo '{"ok":true}'
    ;;
  subscribe)
    id=sub-$$
    case $request in
      *'"deliver_existing":true'*) echo 0 >"$dir/positions/$id" ;;
      *) find "$dir/events" -type f | wc -l >"$dir/positions/$id" ;;
    esac
    printf '{"subscription_id":"%s"}\n' "$id"
    ;;
  next_event)
    position=$dir/positions/$(field subscription_id)
    number=$(tr -d ' ' <"$position")
    if [ -f "$dir/events/$number" ]; then
      echo $((number + 1)) >"$position"
      printf '{"delivery_id":"%s","event":%s}\n' "$number" "$(cat "$dir/events/$number")"
    else
      sleep 0.1
      echo '{}'
    fi
    ;;
  ack_event)
    echo "$(field subscription_id) $(field delivery_id)" >>"$dir/acknowledged"
    echo '{"ok":true}'
    ;;
  *)
    echo "unknown operation in $request" >&2
    exit 1
    ;;
esac
