#!/usr/bin/env bash
# Keeps of the inputs that scripts/fuzz.sh has gathered those that reach code which the cases do not, and no other
# one that is kept: fuzz/kept/TARGET.zip. `cargo test` runs them, and the next fuzzing begins with them.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
merged=$(mktemp -d)
trap 'rm -rf "$merged"' EXIT
mkdir -p kept
for corpus in corpus/*; do
    target=$(basename "$corpus")
    mkdir "$merged/$target"
    [ ! -d "cases/$target" ] || cp "cases/$target"/* "$merged/$target"
    # by code alone: how often it is reached would keep ten times as many
    PIXELFLIP_FUZZ_TARGET=$target target/release/file -merge=1 -use_counters=0 -timeout=600 \
        -rss_limit_mb=3000 -max_len=65536 "$merged/$target" "$corpus" 2>/dev/null
    python3 - "$merged/$target" "cases/$target" "kept/$target.zip" <<'PYTHON'
import os, sys, zipfile

merged, cases, archive = sys.argv[1:]
known = set(os.listdir(cases)) if os.path.isdir(cases) else set()
names = sorted(set(os.listdir(merged)) - known)
with zipfile.ZipFile(archive, "w") as kept:
    for name in names:
        # without a date, so that the same inputs are the same bytes
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with open(os.path.join(merged, name), "rb") as file:
            kept.writestr(info, file.read(), compresslevel=9)
print(f"{len(names)} inputs in fuzz/{archive}")
PYTHON
done
