#!/usr/bin/env bash
# Fails if the contract is not lint-clean, or the committed code is not what it generates.
set -euo pipefail
bin=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

include=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$bin/python" -m grpc_tools.protoc -I proto -I "$include" --include_imports --include_source_info \
    --descriptor_set_out="$scratch/contract.binpb" proto/interference/v1/*.proto
"$bin/buf" lint "$scratch/contract.binpb" --config buf.yaml --path interference/v1

proto/generate.sh "$bin" "$scratch"
for generated in "$scratch"/interference/v1/*; do
    committed="proto/interference/v1/$(basename "$generated")"
    cmp --silent "$generated" "$committed" || {
        echo "$committed is not what the contract generates; run: make stubs" >&2
        exit 1
    }
done
