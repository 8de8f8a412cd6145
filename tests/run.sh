#!/usr/bin/env bash
# Runs everything that is tested: formatting, lints, unit tests, and the end-to-end tests against a real Apache Kafka.
# Installs first what is missing, with apt-get where that is there.
#
#   tests/run.sh                       all of it
#   MAREVA_DATA=DIR tests/run.sh       also the tests on the official lists in DIR (ignored otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

# What the build and the tests call: a C compiler for librdkafka and zstd, OpenSSL's headers, xmllint for the schemas of
# payment messages, Java and Maven for Kafka.
packages() {
    command -v cc >/dev/null && command -v c++ >/dev/null && command -v make >/dev/null || echo build-essential
    command -v pkg-config >/dev/null || echo pkg-config
    { command -v pkg-config >/dev/null && pkg-config --exists openssl; } || echo libssl-dev
    command -v xmllint >/dev/null || echo libxml2-utils
    java_is_new_enough || echo default-jdk-headless
    command -v mvn >/dev/null || echo maven
}

java_is_new_enough() {
    command -v java >/dev/null || return 1
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

install_missing() {
    local missing
    missing=$(packages | tr '\n' ' ')
    [ -z "${missing// /}" ] && return
    say "installing $missing"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
        echo "missing: $missing"
        echo "install them (names are Debian's), or run this once as root, then run it again"
        exit 1
    fi
    "${as_root[@]}" apt-get update -qq
    # shellcheck disable=SC2086
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

if ! command -v cargo >/dev/null; then
    echo "missing: Rust 1.94 or newer, with rustfmt and clippy; install it with rustup, then run this again"
    exit 1
fi
install_missing

say "fetching Apache Kafka"
# The tests take it from there; a folder of one's own in MAREVA_KAFKA_DIR goes before.
kafka="${MAREVA_KAFKA_DIR:-$PWD/target/kafka-4.3.0}"
if [ ! -d "$kafka/lib" ]; then
    mkdir -p "$kafka"
    fetched="$kafka/lib.$$"
    mvn -q -B -f tests/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$fetched"
    mv "$fetched" "$kafka/lib"
fi
export MAREVA_KAFKA_DIR="$kafka"

say "formatting"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "tests"
if [ -n "${MAREVA_DATA:-}" ]; then
    cargo test --workspace --locked -- --include-ignored
else
    echo "MAREVA_DATA is not set: tests on the official lists are reported as ignored"
    cargo test --workspace --locked
fi
