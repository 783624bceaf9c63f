#!/bin/sh
# A component of a few lines in the words of greentic:provider-schema-core: what is published is a line in a file. Usage: component.sh FILE.
set -eu
file=$1
request=$(cat)

case $request in
  '{"op":"describe"'*)
    echo '{"provider_type":"events.lines","capabilities":["publish"],"ops":["publish","ingest_http"]}'
    ;;
  '{"op":"validate-config"'*'"config":{"name":"'*)
    echo '{"valid":true}'
    ;;
  '{"op":"validate-config"'*)
    echo '{"valid":false,"error":"config must begin with a name"}'
    ;;
  '{"op":"healthcheck"'*)
    echo '{"status":"ok"}'
    ;;
  *'"operation":"publish"'*)
    printf '%s\n' "$request" >>"$file"
    printf '{"receipt_id":"%s","status":"published","emitted_events":[]}\n' "$(wc -l <"$file" | tr -d ' ')"
    ;;
  *'"operation":"ingest_http"'*)
    tenant=$(printf '%s' "$request" | sed -n 's/.*"tenant":"\([^"]*\)".*/\1/p')
    printf '{"receipt_id":"r","status":"accepted","emitted_events":[{"event_id":"e-1","event_type":"webhook.received","occurred_at":"2026-01-01T00:00:00Z","source":{"domain":"events","provider":"lines","handler_id":"h"},"scope":{"tenant":"%s","correlation_id":"c-1"},"payload":{"n":1.50},"http":{"method":"POST"}}]}\n' "$tenant"
    ;;
  *)
    echo '{"ok":false,"error":"there is no such operation"}'
    ;;
esac
