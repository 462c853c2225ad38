#!/usr/bin/env bash
# Puts the shards of a run together; submit.sh submits it: OUT. Exit code 3: some are missing, submit
# again to do them.
exec "${PIXELFLIP:-pixelflip}" merge "$1"
