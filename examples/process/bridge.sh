#!/bin/sh
# A bridge of a few lines: a channel message becomes an event, and an event a message. Speaks the live command protocol.
set -eu
request=$(cat)
field() { printf '%s' "$request" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
tenant=$(printf '%s' "$request" | sed -n 's/.*"tenant":\({[^}]*}\).*/\1/p')

case $(printf '%s' "$request" | sed -n 's/^{"op":"\([a-z_]*\)".*/\1/p') in
  ingest)
    printf '{"events":[{"id":"from-chat","topic":"chat.received","type":"com.example.chat.v1","source":"bridge.sh","tenant":%s,"time":"2026-01-01T00:00:00Z","payload":{"text":"%s"},"metadata":{}}]}\n' \
      "$tenant" "$(field text)"
    ;;
  emit)
    printf '{"messages":[{"id":"to-chat","tenant":%s,"channel":"chat","session_id":"s","text":"%s","attachments":[],"metadata":{}}]}\n' \
      "$tenant" "$(field topic)"
    ;;
  *)
    echo "unknown operation" >&2
    exit 1
    ;;
esac
