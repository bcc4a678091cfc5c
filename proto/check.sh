#!/usr/bin/env bash
# Fails if the contract is not lint-clean, breaks one that was released, or the committed code is not
# what it generates.
set -euo pipefail
bin=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

proto/image.sh "$bin" "$scratch/contract.binpb" --include_source_info
"$bin/buf" lint "$scratch/contract.binpb" --config buf.yaml --path interference/v1
for released in proto/released/*.binpb; do
    "$bin/buf" breaking "$scratch/contract.binpb" --against "$released" --config buf.yaml \
        --path interference/v1 || {
        echo "the contract breaks callers of $(basename "$released" .binpb); add, never change" >&2
        exit 1
    }
done

proto/generate.sh "$bin" "$scratch"
for generated in "$scratch"/interference/v1/*; do
    committed="proto/interference/v1/$(basename "$generated")"
    cmp --silent "$generated" "$committed" || {
        echo "$committed is not what the contract generates; run: make stubs" >&2
        exit 1
    }
done
