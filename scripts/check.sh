#!/usr/bin/env bash
# The gate before every commit: format, lints, tests, documentation, licences of the dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --all-targets -- -D warnings
cargo test
RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --no-deps --document-private-items
if command -v cargo-deny >/dev/null; then
    cargo deny check
else
    echo "skipped: cargo-deny is not installed"
fi
