#!/usr/bin/env bash
# Makes what the stack needs beside this file: .env, directories of the stores, secrets that nobody
# has seen, and configurations from ../monitoring. What is there stays; but for the configuration of
# Prometheus, which is made anew, so run it again after an upgrade.
set -euo pipefail
cd "$(dirname "$0")"

# Containers read the files as users of their own; on this machine the directory keeps others out.
umask 077
mkdir -p secrets
random() { openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n'; }
write() { printf '%s' "$2" > "secrets/$1" && chmod 644 "secrets/$1"; }

[ -e .env ] || cp .env.example .env
for directory in models rows; do
    [ -e "$directory" ] || install --directory --mode=755 "$directory"
done
for name in database_password grafana_password; do
    [ -e "secrets/$name" ] || write "$name" "$(random)"
done
if [ ! -e secrets/access.jsonl ]; then
    token="gi_$(random)"
    write operator_token "$token"
    hash=$(printf '%s' "$token" | sha256sum | cut --delimiter=' ' --fields=1)
    write access.jsonl "{\"name\": \"operator\", \"token\": \"sha256:$hash\", \"grants\": {\"*\": \"admin\"}}"$'\n'
fi
# Receivers are the operator's to name, and their addresses are often secret.
if [ ! -e secrets/alertmanager.yml ]; then
    install --mode=644 ../monitoring/alertmanager/alertmanager.yml secrets/alertmanager.yml
fi
# The same scrapes, of containers by their names.
sed --expression='s/127\.0\.0\.1:9464/service:9464/' \
    --expression='s/127\.0\.0\.1:9093/alertmanager:9093/' \
    ../monitoring/prometheus/prometheus.yml > prometheus.yml
chmod 644 prometheus.yml
echo "secrets are in $PWD/secrets: the token of the operator in operator_token, the password of Grafana's admin in grafana_password, who is told of alerts in alertmanager.yml"
