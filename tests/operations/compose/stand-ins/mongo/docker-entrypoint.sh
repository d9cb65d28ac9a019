#!/bin/sh
# mongod and its options start the store; of the options only the port means something to it.
set -e
case "${1:-mongod}" in
  mongod | -*) ;;
  *) exec "$@" ;;
esac
port=27017
while [ $# -gt 0 ]; do
  case "$1" in
    --port) port=$2 && shift ;;
    --port=*) port=${1#--port=} ;;
  esac
  shift
done
# The real image reads a secret from a file where there is one.
if [ -n "${MONGO_INITDB_ROOT_PASSWORD_FILE:-}" ]; then
  MONGO_INITDB_ROOT_PASSWORD=$(cat "$MONGO_INITDB_ROOT_PASSWORD_FILE")
  export MONGO_INITDB_ROOT_PASSWORD
fi
if [ -n "${MONGO_INITDB_ROOT_USERNAME_FILE:-}" ]; then
  MONGO_INITDB_ROOT_USERNAME=$(cat "$MONGO_INITDB_ROOT_USERNAME_FILE")
  export MONGO_INITDB_ROOT_USERNAME
fi
exec /usr/lib/jvm/java-17-openjdk-amd64/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -XX:MaxRAMPercentage=70 -XX:-UsePerfData -cp '/opt/mongo/lib/*:/opt/mongo/classes' \
  Launcher "$port" /data/db/data.mv 0.0.0.0
