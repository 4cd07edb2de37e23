# For scripts that ask a service from outside: a store of its own, served by the program as it is built. Sourced after
# `set -euo pipefail` in the repository's folder. Gives $address, $operator_file, $work and the functions say and key.
[ -x .build/debug/strata ] || swift build --product strata >&2
strata=$PWD/.build/debug/strata
work=$(mktemp -d "${TMPDIR:-/tmp}/strata-served.XXXXXX")
chmod 755 "$work"
folder=$work/server
operator_file=$work/operator
server=
# shellcheck disable=SC2317
clean() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    STRATA_TEST_FOLDER=$folder scripts/test-server stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

base=$(STRATA_TEST_FOLDER=$folder scripts/test-server start)
psql -Xq "$base" -c 'CREATE DATABASE served'
url=$(python3 -c 'import sys, urllib.parse as p; print(p.urlunsplit(p.urlsplit(sys.argv[1])._replace(path="/served")))' "$base")

say() { "$strata" events "$@" --url "$url" 2>/dev/null; }
key() { say key add "$1" --scope append --scope read --scope consume --scope manage | grep -o 'evk_[0-9a-f_]*'; }

say init >/dev/null
say organization add Served >/dev/null
python3 -c 'import secrets; print(secrets.token_hex(32))' >"$operator_file"
"$strata" serve --url "$url" --listen 127.0.0.1:0 --requests-per-second 100000 --longest-wait "${longest_wait:-30}" \
    --operator-token-file "$operator_file" >"$work/log" 2>&1 &
server=$!
address=
for _ in $(seq 100); do
    address=$(grep -o 'http://[0-9.:]*' "$work/log" || true)
    [ -z "$address" ] || break
    sleep 0.1
done
[ -n "$address" ] || { cat "$work/log" >&2; exit 1; }
