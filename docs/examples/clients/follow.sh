#!/bin/sh
# sh follow.sh [URL]: contacts by curl, one CloudEvent a line; goes on behind the last one after a cut or a restart.
url=${1:-http://127.0.0.1:8322} last=oldest
[ -n "$JACKFIELD_TOKEN" ] && set -- -H "Authorization: Bearer $JACKFIELD_TOKEN" || set --
fifo=$(mktemp -u) && mkfifo "$fifo" && trap 'rm -f "$fifo"; kill $! 2>/dev/null' EXIT
while :; do
    curl -sN "$@" --get "$url/v1/events" --data-urlencode 'select=contact.*' --data-urlencode "after=$last" >"$fifo" &
    while IFS= read -r line; do
        case $line in
            "id: "*) last=${line#id: } ;;
            "data: "*) printf '%s\n' "${line#data: }" ;;
        esac
    done <"$fifo"
    sleep 2
done
