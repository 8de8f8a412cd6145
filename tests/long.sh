#!/usr/bin/env bash
# What does not fit into an ordinary test run. Needs what tests/run.sh installs; takes about two hours on two cores.
#
#   tests/long.sh               all of it
#   tests/long.sh kafka         2,000,000 records through Apache Kafka, undisturbed and killed ten times; with 100 changes of rules;
#                               lists that change over 1,000,000 accounts
#   tests/long.sh mutants       faults planted in the rule engine, each of which its tests must catch
#   tests/long.sh fuzz          ten minutes of damaged input for each decoder
#   tests/long.sh names         50,000 names against the UN's list, by the index and by comparing with each; needs MAREVA_DATA
set -euo pipefail
cd "$(dirname "$0")/.."

kafka() {
    MAREVA_RECORDS=2000000 cargo test --workspace --locked --test kafka_end_to_end --test kafka_rules -- --nocapture
    MAREVA_RECORDS=2000000 MAREVA_ACCOUNTS=1000000 cargo test --workspace --locked --test kafka_lists -- --nocapture
}

mutants() {
    cargo build --workspace --locked --bin mutants
    "$target/debug/mutants"
}

fuzz() {
    cargo build --workspace --locked --bin fuzz
    for decoder in bank exchange iso20022 mt ethereum decision identifier list csv-list uk-csv-list xml-list ftm-list misp-list stix-list tagpack-list; do
        "$target/debug/fuzz" --decoder "$decoder" --for 10m
    done
}

names() {
    MAREVA_QUERIES=50000 cargo test --workspace --locked --lib -- --include-ignored --nocapture of_the_un_list_the_index
}

target="${CARGO_TARGET_DIR:-target}"
if [ $# -eq 0 ]; then
    set -- kafka mutants fuzz names
fi
for part in "$@"; do
    case "$part" in
        kafka | mutants | fuzz | names) "$part" ;;
        *)
            echo "no such part: $part; there are kafka, mutants, fuzz and names"
            exit 2
            ;;
    esac
done
