#!/usr/bin/env bash
# The benchmark: makes mail with the seeded generator, imports it, searches it; prints seconds, memory and sizes.
#   tests/bench/run.sh [COUNT] [FOLDER]     100000 messages by default; FOLDER for the mail and the cases
# COMPARE=1: notmuch and mu, where they are installed, index the same mail as a Maildir, and mairix the mbox.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-100000}
work=${2:-$(mktemp -d)}
mkdir -p "$work"
cargo build --release --quiet
rustc -O --edition 2024 -A dead_code -o "$work/gen" tests/bench/gen.rs
bin=$PWD/target/release/mailtrail
timed() { /usr/bin/env bash -c 'TIMEFORMAT="wall %R s, user %U s, system %S s"; time "$@" >/dev/null' timed "$@"; }
for profile in text attach; do
  mail=$work/$profile.mbox
  [ -e "$mail" ] || "$work/gen" --seed 1 --count "$count" --profile "$profile" --shape mbox --to "$mail" 2>/dev/null
  size=$(stat -c %s "$mail")
  rm -rf "$work/case-$profile"
  echo "== $profile: $count messages, $size bytes"
  echo "import";        timed "$bin" import --quiet --case "$work/case-$profile" "$mail"
  echo "import again";  timed "$bin" import --quiet --case "$work/case-$profile" "$mail"
  stored=$(du -sb "$work/case-$profile" | cut -f1)
  awk -v a="$stored" -v b="$size" 'BEGIN { printf "case %d bytes, %.3f of the mail\n", a, a / b }'
  for part in packs ledger derived/catalog.sqlite derived/index; do
    awk -v a="$(du -sb "$work/case-$profile/$part" | cut -f1)" -v b="$size" -v p="$part" 'BEGIN { printf "  %s %.3f\n", p, a / b }'
  done
done
for query in 'from:example.org' 'date:2024-03' '"thank you"' 'subject:invoice' 'hop:192.0.2.0/24'; do
  echo "search $query: $("$bin" search --count --case "$work/case-text" "$query" 2>/dev/null) hits"
  timed "$bin" search --case "$work/case-text" --limit 20 "$query"
done
for form in --json --csv ''; do
  echo "list 19000 hits ${form:-as a table}"
  timed "$bin" search $form --case "$work/case-text" --limit 19000 'from:example.com'
done
if [ -n "${COMPARE:-}" ]; then
  if command -v mairix >/dev/null; then
    printf 'base=%s\nmbox=text.mbox\ndatabase=%s/mairix.db\nmfolder=%s/found\n' "$work" "$work" "$work" > "$work/mairixrc"
    rm -f "$work/mairix.db"; echo "mairix"; timed mairix -f "$work/mairixrc"
  fi
  maildir=$work/text.maildir
  [ -e "$maildir" ] || "$work/gen" --seed 1 --count "$count" --profile text --shape maildir --to "$maildir" 2>/dev/null
  if command -v notmuch >/dev/null; then
    export NOTMUCH_CONFIG=$work/notmuch-config
    printf '[database]\npath=%s\n[new]\ntags=new\n[user]\nname=x\nprimary_email=x@example.org\n' "$maildir" > "$NOTMUCH_CONFIG"
    rm -rf "$maildir/.notmuch"; echo "notmuch new"; timed notmuch new
  fi
  if command -v mu >/dev/null; then
    rm -rf "$work/mu"; mu init --quiet --muhome="$work/mu" --maildir="$maildir" >/dev/null
    echo "mu index"; timed mu index --muhome="$work/mu"
  fi
fi
