#!/usr/bin/env bash
# Generates Python code from the contract: generate.sh BIN OUTPUT
# BIN holds the generator (constraints-stubs.txt); OUTPUT is the source root, proto/ in the project.
set -euo pipefail
bin=$1 output=$2
include=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I proto -I "$include" \
    --python_out="$output" --pyi_out="$output" \
    --grpc_python_out="$output" --mypy_grpc_out=quiet:"$output" \
    proto/interference/v1/*.proto
