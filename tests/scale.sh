#!/usr/bin/env bash
# Every command on a large case, as one mbox, as a Maildir and as 300 small sources: counts, exit codes, CPU, memory.
#   tests/scale.sh              4,000 messages of made-up mail
#   SCALE=full tests/scale.sh   100,000, and import and verify of 1,000,000
#   SCALE=N tests/scale.sh      so many; FOLDER for the mail and the cases as first argument, to keep them
# MAILTRAIL is the program to be measured; without it the optimised one is built. The mail is seeded: the same bytes on
# every machine. What is over a limit fails, but for what stands in `known` below, each with the figure up to which it
# may be: so nothing gets worse. An entry that holds again is told, to be taken out.
set -uo pipefail
cd "$(dirname "$0")/.."

case ${SCALE:-} in
  full) count=100000 huge=1000000 ;;
  '') count=4000 huge=0 ;;
  *) count=$SCALE huge=0 ;;
esac
sources=300
if [ -n "${1:-}" ]; then work=$1; mkdir -p "$work"; else work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT; fi
if [ -z "${MAILTRAIL:-}" ]; then
  cargo build --release --quiet || exit 1
  MAILTRAIL=$PWD/target/release/mailtrail
fi
[ -x "$work/gen" ] || rustc -O --edition 2024 -A dead_code -o "$work/gen" tests/bench/gen.rs || exit 1

# Limits: MB of memory at the peak, and CPU seconds.
memory=256
memory_export=128
cpu=1
# CPU of verify, by that of the import.
verify_by_import=1.5

# What is missed today: shape/command/limit, and the figure that must not be passed at 100,000 messages.
declare -A known=(
  # Frames in the reader's cache, and what the allocator keeps: 134 and 140 MB.
  [mbox/export/memory]=150 [maildir/export/memory]=150 [small/export/memory]=150
  [mbox/export-mbox/memory]=160 [maildir/export-mbox/memory]=160 [small/export-mbox/memory]=160
  # Four workers with their tables, and two parts of the index on their way to the disk: 282 and 269 MB with five.
  [mbox/import/memory]=300 [maildir/import/memory]=300 [small/import/memory]=300
  [mbox/rebuild/memory]=300 [maildir/rebuild/memory]=300 [small/rebuild/memory]=300
  [mbox/verify/memory]=300 [maildir/verify/memory]=300 [small/verify/memory]=300
  # Never run since workers and room were made fewer.
  [million/import/memory]=1500 [million/verify/memory]=700
)

failed=0 checks=0
fail() { echo "  FAILED: $*"; failed=$((failed + 1)); }

# over SHAPE/COMMAND/WHAT FIGURE LIMIT: whether a figure is within its limit, or known.
over() {
  checks=$((checks + 1))
  local allowed=${known[$1]:-}
  if awk -v a="$2" -v b="$3" 'BEGIN { exit !(a <= b) }'; then
    if [ -n "$allowed" ] && [ "$count" -ge 100000 ]; then
      echo "  $1 holds now ($2 of $3): take it out of the known"
    fi
  elif [ -n "$allowed" ] && awk -v a="$2" -v b="$allowed" 'BEGIN { exit !(a <= b) }'; then
    echo "  missed: $1 is $2, limit $3 (known, up to $allowed)"
  else
    fail "$1 is $2, limit $3${allowed:+, known up to $allowed}"
  fi
}

# equal WHAT FOUND WANTED
equal() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] || fail "$1: $2, should be $3"
}

shape=
# run NAME MB CPU ARGS..: the program on the case of the shape; `-` for a limit that there is none of. Leaves stdout in
# $work/out, and the CPU seconds in $used.
run() {
  local name=$1 most_mb=$2 most_cpu=$3 code ms wall kb mb
  shift 3
  read -r code ms wall kb < <(python3 tests/bench/measure.py "$work/out" "$MAILTRAIL" "$@" --case "$work/case-$shape")
  mb=$((kb / 1024))
  used=$(awk -v ms="$ms" 'BEGIN { printf "%.2f", ms / 1000 }')
  printf '%-10s %-24s %8s s CPU %8s s %6s MB\n' "$shape" "$name" "$used" \
    "$(awk -v ms="$wall" 'BEGIN { printf "%.2f", ms / 1000 }')" "$mb"
  checks=$((checks + 1))
  if [ "$code" != 0 ]; then
    fail "$shape/$name ended with $code: $(head -3 "$work/out.err" | tr '\n' ' ')"
  fi
  [ "$most_mb" = - ] || over "$shape/$name/memory" "$mb" "$most_mb"
  [ "$most_cpu" = - ] || over "$shape/$name/cpu" "$used" "$most_cpu"
}

# verified NAME THREADS ITEMS: verify ends without a finding, has compared all, and is not much slower than the import.
verified() {
  run "$1" $memory - verify --json --threads "$2"
  equal "$shape: findings" "$(tail -1 "$work/out" | jq .findings)" 0
  equal "$shape: items" "$(tail -1 "$work/out" | jq .items)" "$3"
  equal "$shape: rows compared" "$(tail -1 "$work/out" | jq .catalog_rows)" "$3"
  equal "$shape: index entries compared" "$(tail -1 "$work/out" | jq .indexed)" "$3"
  over "$shape/$1/by-import" "$(awk -v a="$used" -v b="$imported" 'BEGIN { printf "%.2f", a / b }')" $verify_by_import
}

mail=$work/mail-$count.mbox
[ -e "$mail" ] || "$work/gen" --seed 1 --count "$count" --profile text --shape mbox --to "$mail" 2>/dev/null || exit 1
[ -d "$work/maildir-$count" ] ||
  "$work/gen" --seed 1 --count "$count" --profile text --shape maildir --to "$work/maildir-$count" 2>/dev/null || exit 1
[ -d "$work/small-$count" ] || python3 tests/bench/split_mbox.py "$mail" $sources "$work/small-$count" || exit 1
echo "$count messages, $(stat -c %s "$mail") bytes; $MAILTRAIL"

for shape in mbox maildir small; do
  case $shape in
    mbox) from=("$mail") threads=16 ;;
    maildir) from=("$work/maildir-$count") threads=2 ;;
    small) from=("$work/small-$count"/*.mbox) threads=16 ;;
  esac
  rm -rf "$work/case-$shape" "$work/export" "$work/restored"
  run import $memory - import --threads $threads "${from[@]}"
  imported=$used
  run import-again $memory - import --threads 1 "${from[@]}"
  verified verify 16 "$count"
  verified verify-1-thread 1 "$count"

  run count $memory $cpu search --count '*'
  equal "$shape: items found" "$(tr -d ' \n' < "$work/out")" "$count"
  run list $memory - list --json
  equal "$shape: items listed" "$(wc -l < "$work/out")" "$count"
  item=$(sed -n 7p "$work/out" | jq -r .item)
  source=$(head -1 "$work/out" | jq -r .source)
  # What is found is the same however the mail lies there.
  n=0
  for query in 'from:example.org' 'date:2024-03' '"thank you"' 'hop:192.0.2.0/24' 'subject:re*' 'NOT has:hop'; do
    n=$((n + 1))
    run "search-$n" $memory $cpu search --limit 20 "$query"
    run "count-$n" $memory $cpu search --count "$query"
    found=$(tr -d ' \n' < "$work/out")
    [ $shape = mbox ] && declare "hits_$n=$found"
    wanted=hits_$n
    equal "$shape: hits of $query" "$found" "${!wanted}"
  done
  for command in show hops path clocks auth; do
    run $command $memory $cpu $command "$item"
  done
  run hops-stats $memory $cpu hops --stats
  run findings $memory $cpu findings
  run report $memory $cpu report
  run info $memory $cpu info
  run log $memory $cpu log
  run trust-show $memory $cpu trust show
  run keys $memory $cpu keys show

  run export $memory_export - export --quiet '*' --to "$work/export"
  equal "$shape: items exported" "$(grep -c '"item":"' "$work/export/manifest.jsonl")" "$count"
  rm -rf "$work/export"
  run export-mbox $memory_export - export --quiet --mbox 'from:example.org' --to "$work/export"
  rm -rf "$work/export"
  run restore $memory - restore "$source" --to "$work/restored"
  checks=$((checks + 1))
  case $shape in
    mbox) diff -rq "$work/restored" "$mail" >/dev/null 2>&1 || cmp -s "$(find "$work/restored" -type f | head -1)" "$mail" ||
      fail "$shape: what was restored is not the source" ;;
    maildir) diff -r "$work/restored" "$work/maildir-$count" >/dev/null || fail "$shape: what was restored is not the source" ;;
    small) cmp -s "$(find "$work/restored" -type f | head -1)" "${from[0]}" || fail "$shape: what was restored is not the source" ;;
  esac
  run rebuild $memory - rebuild --threads 16
  verified verify-rebuilt 2 "$count"
  rm -rf "$work/case-$shape" "$work/restored"
done

if [ "$huge" -gt 0 ]; then
  shape=million
  [ -e "$work/mail-$huge.mbox" ] ||
    "$work/gen" --seed 2 --count "$huge" --profile text --shape mbox --to "$work/mail-$huge.mbox" 2>/dev/null || exit 1
  rm -rf "$work/case-$shape"
  run import $memory - import --threads 16 "$work/mail-$huge.mbox"
  imported=$used
  verified verify 16 "$huge"
  rm -rf "$work/case-$shape"
fi

echo "$checks checks, $failed failed"
[ $failed = 0 ]
