#!/usr/bin/env bash
# Builds the image of the service and brings the stack up, on a machine that reaches packages but no
# registry of images: bases are made of Debian's packages, an engine of our own runs beside any
# other, and all is gone afterwards. Grafana is no package of Debian, so it is left out.
#
#     apt-get install docker.io docker-compose mmdebstrap openssl
#     PATH="$PWD/.venv/bin:$PATH" tests/deploy/compose_stack.sh [directory to work in]
#
# As root, a quarter of an hour, and 10 GB in that directory. What takes long is kept there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(realpath -m "${1:-/var/tmp/interference-stack}")
checkout="$work/checkout"
export DOCKER_HOST="unix://$work/docker.sock"
unset DOCKER_CONFIG COMPOSE_FILE COMPOSE_PROJECT_NAME
mkdir -p "$work"
if git -C "$work" rev-parse 2> /dev/null; then echo "$work is within a checkout" >&2; exit 2; fi

say() { printf '\n== %s\n' "$*"; }

within() { # SECONDS COMMAND…: until the command succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" > "$work/last" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { cat "$work/last" >&2; echo "not within time: $*" >&2; return 1; }
        sleep 1
    done
}

compose() { (cd "$checkout/deploy/compose" && docker-compose "$@"); }

finish() {
    status=$?
    if [ -n "${engine:-}" ]; then
        [ "$status" = 0 ] || compose logs --tail=40 service database prometheus alertmanager || true
        docker rm --force webhook > /dev/null 2>&1 || true
        compose down --volumes --timeout 40 || true
        kill "$engine" && wait "$engine" || true
        ip link delete docker0 2> /dev/null || true
    fi
    [ ! -e "$work/firewall" ] || iptables-restore < "$work/firewall"
    exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT

say "bases of Debian's packages"
bootstrap() { # NAME PACKAGES
    [ ! -e "$work/$1.tar" ] || return 0
    mmdebstrap --quiet --variant=minbase --format=tar --include="$2" bookworm "$work/$1.part"
    mv "$work/$1.part" "$work/$1.tar"
}
bootstrap python python3,python3-venv,ca-certificates
bootstrap servers postgresql-15,prometheus,prometheus-alertmanager,wget,ca-certificates

say "a wheelhouse"
extras=service,postgresql,tracing,hugging-face
if [ ! -e "$work/wheels/.ready" ]; then
    python3.11 -m pip download --quiet --dest "$work/wheels" --constraint "$root/constraints.txt" \
        "$root[$extras]" hatchling
    touch "$work/wheels/.ready"
fi

say "an engine of our own"
iptables-save > "$work/firewall" # lacks tables that nobody has used
grep --quiet '^\*filter' "$work/firewall" || printf '%s\n' '*filter' ':FORWARD ACCEPT [0:0]' COMMIT >> "$work/firewall"
grep --quiet '^\*nat' "$work/firewall" || printf '%s\n' '*nat' COMMIT >> "$work/firewall"
dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" \
    --pidfile "$work/docker.pid" --default-ulimit nofile=4096:4096 --default-ulimit nproc=4096:4096 \
    > "$work/dockerd.log" 2>&1 &
engine=$!
within 60 docker info

say "images in place of those of registries"
for name in python servers; do
    docker image inspect "standin/$name-bare" > /dev/null 2>&1 || docker import "$work/$name.tar" "standin/$name-bare" > /dev/null
done
printf '[global]\nno-index = true\nfind-links = /wheelhouse\n' > "$work/wheels/pip.conf"
docker build --quiet --tag standin/python --file - "$work/wheels" <<'END'
FROM standin/python-bare
COPY . /wheelhouse
RUN mv /wheelhouse/pip.conf /etc/pip.conf
END
docker build --quiet --tag standin/prometheus - <<'END'
FROM standin/servers-bare
RUN install --directory --owner=65534 --group=65534 /prometheus
ENTRYPOINT ["prometheus"]
END
docker build --quiet --tag standin/alertmanager - <<'END'
FROM standin/servers-bare
RUN install --directory --owner=65534 --group=65534 /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
END
docker build --quiet --tag standin/database - <<'END'
FROM standin/servers-bare
ENV PATH=/usr/lib/postgresql/15/bin:$PATH
RUN groupmod --gid 999 postgres && usermod --uid 999 postgres \
    && install --directory --owner=999 --group=999 --mode=0700 /var/lib/postgresql/data
RUN printf '%s\n' '#!/bin/sh' 'set -eu' 'data=/var/lib/postgresql/data' \
    'if [ ! -s "$data/PG_VERSION" ]; then' \
    '    initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \' \
    '        --auth-host=scram-sha-256 --auth-local=trust $POSTGRES_INITDB_ARGS' \
    '    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"' \
    '    echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -D "$data" postgres' \
    'fi' \
    'exec postgres -D "$data" -c "listen_addresses=*" -c unix_socket_directories=/run/postgresql' \
    > /usr/local/bin/start && chmod 755 /usr/local/bin/start
ENTRYPOINT ["start"]
END

say "the stack, as it is committed"
rm -rf "$checkout"
mkdir "$checkout"
git -C "$root" archive HEAD | tar --extract --directory "$checkout"
"$checkout/deploy/compose/setup.sh"
cat >> "$checkout/deploy/compose/.env" <<'END'
BASE_IMAGE=standin/python
DATABASE_IMAGE=standin/database
PROMETHEUS_IMAGE=standin/prometheus
ALERTMANAGER_IMAGE=standin/alertmanager
GRPC_PORT=50951
PROMETHEUS_PORT=9990
ALERTMANAGER_PORT=9993
SERVICE_MEMORY=4g
OBJECT_STORE_BYTES=268435456
END
sed --in-place 's#http://127\.0\.0\.1:9095/#http://webhook:9095/#' "$checkout/deploy/compose/secrets/alertmanager.yml"
compose config --quiet
compose build service
compose up -d service database prometheus alertmanager

say "all are healthy"
healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "gradient-interference_${1}_1")" = healthy ]; }
for each in database service alertmanager prometheus; do within 180 healthy "$each"; done
compose ps

say "the service runs as nobody in particular, on a root that nobody writes"
inside() { compose exec -T service "$@"; }
[ "$(inside id -u)" = 10001 ]
[ "$(inside grep CapEff /proc/1/status | tr -d '\t')" = CapEff:0000000000000000 ]
inside grep --quiet 'NoNewPrivs:.1' /proc/1/status
if inside touch /opt/interference/here 2> "$work/last"; then echo "the root can be written" >&2; exit 1; fi
grep --quiet 'Read-only file system' "$work/last"

say "only who has the token is answered"
export INTERFERENCE_TARGET=127.0.0.1:50951
token="$checkout/deploy/compose/secrets/operator_token"
interference info --token-file "$token"
if interference info; then echo "answers without a token" >&2; exit 1; fi

say "an analysis"
PYTHONPATH="$root/tests:$root/client:$root/service:$root/proto" python - "$checkout/deploy/compose" <<'END'
import sys
from pathlib import Path
from support import examples

home = Path(sys.argv[1])
examples.export(examples.perceptron(), home / "models" / "small.pt2")
examples.write(examples.example(), home / "rows" / "rows.parquet")
END
chmod 644 "$checkout"/deploy/compose/{models,rows}/*
interference submit --token-file "$token" --monitor small --model-uri models://small.pt2 \
    --data-uri rows://rows.parquet --label label --input input=tensor:x,shape=1x6x6 --wait

say "Prometheus has the result, its rules are loaded"
ask() { wget --quiet --output-document=- "http://127.0.0.1:9990/api/v1/$1"; }
targets_up() { [ "$(ask 'query?query=up' | grep --only-matching ',"1"\]' | wc --lines)" = 2 ]; }
result_there() { ask 'query?query=interference_class_judged' | grep --quiet '"monitor":"small"'; }
within 120 targets_up
within 120 result_there
rules=$(ask rules | grep --only-matching '"type":"alerting"' | wc --lines)
echo "$rules alerts"
[ "$rules" -gt 0 ]
ask alertmanagers | grep --quiet 'http://alertmanager:9093'

say "an alert reaches a webhook"
docker run --detach --name webhook --network gradient-interference_monitoring --entrypoint python \
    gradient-interference/service:0.1.0 -c '
from http.server import BaseHTTPRequestHandler, HTTPServer
class Told(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 9095), Told).serve_forever()' > /dev/null
amtool --alertmanager.url=http://127.0.0.1:9993 alert add InterferenceStackTest severity=warning monitor=small
told() { docker logs webhook 2>&1 | grep --quiet '"alertname":"InterferenceStackTest"'; }
within 90 told

say "it goes down by itself, and comes back with what it had"
compose stop service
docker inspect --format '{{.State.ExitCode}}' gradient-interference_service_1 | grep --quiet '^0$'
compose start service
within 180 healthy service
interference list --json --state SUCCEEDED --token-file "$token" | grep --quiet analysisJobs

say "the stack is up, healthy, scraped, and alerts"
