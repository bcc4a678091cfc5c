#!/usr/bin/env bash
# Serves from within the Ray cluster at RAY_ADDRESS.
#
# A program uses Ray through the node on its own machine, which in a pod is nobody else's: so the
# service's pod joins the cluster as a node of its own, without cores or GPUs to give away. Node
# and service share one container because neither is of use without the other: whichever ends, both
# do, and the platform starts them anew. Only a node that is still there while the service drains
# lets running jobs come to their ends.
set -u

stopping= node= service=
stop() {
    stopping=yes
    kill -TERM ${service:-$node} 2> /dev/null
}
trap stop TERM INT

node_files=${TMPDIR:-/tmp}/ray
rm -rf "$node_files" # of the container that was here before
ray start --block --disable-usage-stats --address="$RAY_ADDRESS" --node-ip-address="$POD_IP" \
    --temp-dir="$node_files" --num-cpus=0 --num-gpus=0 --object-store-memory="$OBJECT_STORE_BYTES" 1>&2 &
node=$!
until [ -S "$node_files/session_latest/sockets/raylet" ]; do
    kill -0 "$node" 2> /dev/null || exit 1 # its own words are in the log
    sleep 0.2
done

interference-service serve &
service=$!
# A signal that came a moment ago met no service.
[ -z "$stopping" ] || kill -TERM "$service"

wait -n "$service" "$node"
status=$?
# A signal ends a wait, and the service is not gone yet; how it ends is known for good afterwards.
while [ -n "$stopping" ] && kill -0 "$service" 2> /dev/null; do
    wait "$service"
done
[ -z "$stopping" ] || { wait "$service"; status=$?; }
[ -n "$stopping" ] || [ "$status" -ne 0 ] || status=1 # neither ends by itself

kill -TERM "$service" "$node" 2> /dev/null
wait
exit "$status"
