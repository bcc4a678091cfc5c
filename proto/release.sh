#!/usr/bin/env bash
# Freezes the contract as it is released: release.sh BIN VERSION, e.g. proto/release.sh .venv-stubs/bin 1.0.0
# Every later contract must be compatible with every one that was released (proto/check.sh).
set -euo pipefail
bin=$1 version=$2
mkdir -p proto/released
proto/image.sh "$bin" "proto/released/$version.binpb"
