#!/bin/sh
# sh follow.sh [URL]: contacts by curl, one CloudEvent a line; goes on behind the last one after a cut or a restart.
url=${1:-http://127.0.0.1:8322} last=oldest
[ -n "$JACKFIELD_TOKEN" ] && set -- -H "Authorization: Bearer $JACKFIELD_TOKEN" || set --
folder=$(mktemp -d) && mkfifo "$folder/stream" || exit
trap 'kill $! 2>/dev/null; wait; rm -r "$folder"' EXIT
trap 'exit 130' INT # which curl does not get: it is in the background
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE # who reads our lines has gone
while :; do
    curl -fsSN "$@" --get "$url/v1/events" \
        --data-urlencode 'select=contact.*' --data-urlencode "after=$last" >"$folder/stream" &
    while IFS= read -r line; do
        case $line in
            "id: "*) last=${line#id: } ;;
            "data: "*) printf '%s\n' "${line#data: }" ;;
        esac
    done <"$folder/stream"
    sleep 2
done
