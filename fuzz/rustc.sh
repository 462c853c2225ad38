#!/bin/sh
# As RUSTC_WRAPPER: compiles what reads files so that libFuzzer sees which code an input reaches. These
# are flags of the stable compiler. The table crates stay as they are, and so does their build.
name=
for argument; do
    [ "$before" != --crate-name ] || name=$argument
    before=$argument
done
case $name in
    pixelflip) set -- "$@" -Cdebug-assertions=on -Coverflow-checks=on ;;
    image | png | zune_jpeg | tiff | image_webp | fdeflate | miniz_oxide | zip) ;;
    csv | csv_core | toml | toml_parser | serde_json | prost | ndarray_npy) ;;
    *) exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
