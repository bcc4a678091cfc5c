#!/usr/bin/env bash
# Writes the contract as one descriptor image, with all that it imports: image.sh BIN FILE [OPTION]...
# BIN holds the compiler (constraints-stubs.txt); options are protoc's.
set -euo pipefail
bin=$1 file=$2
include=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$bin/python" -m grpc_tools.protoc -I proto -I "$include" --include_imports "${@:3}" \
    --descriptor_set_out="$file" proto/interference/v1/*.proto
