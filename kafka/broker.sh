#!/bin/sh
# A Kafka broker on this machine, for experiments and tests: broker.sh jars | run | start | stop | kill
#   jars   fetch the jars (Maven) and check them      run   in the foreground, until interrupted
#   start  in the background                          stop  orderly            kill  as a crash would
# Its files are in KAFKA_HOME (default: .kafka, next to this folder); it listens at KAFKA_PORT (9092) and the next one.
# KAFKA_SETTINGS names a file of more settings.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${KAFKA_HOME:-$here/../.kafka}
libs=${KAFKA_LIBS:-$home/libs}
port=${KAFKA_PORT:-9092}

# becomes java, so that its process is the one that is stopped or killed
java_run() {
  exec java "${KAFKA_HEAP:--Xmx512m}" -XX:+UseG1GC "-Dorg.slf4j.simpleLogger.defaultLogLevel=${KAFKA_LOG:-warn}" \
    -cp "$libs/*" "$@"
}

configure() {
  test -d "$libs" || { echo "no jars yet: run $0 jars"; exit 1; }
  if test -f "$home/broker.pid" && kill -0 "$(cat "$home/broker.pid")" 2>/dev/null; then
    echo "a broker runs already in $home"
    exit 1
  fi
  mkdir -p "$home"
  home=$(cd "$home" && pwd)
  {
    cat "$here/server.properties"
    echo "listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))"
    echo "advertised.listeners=PLAINTEXT://127.0.0.1:$port"
    echo "controller.quorum.voters=1@127.0.0.1:$((port + 1))"
    echo "log.dirs=$home/data"
    # these override all settings above
    cat "${KAFKA_SETTINGS:-/dev/null}"
  } >"$home/server.properties"
  # a folder that has a cluster keeps it
  (java_run kafka.tools.StorageTool format --ignore-formatted -t ZHdlbGwtYnJva2VyLTAwMA \
    -c "$home/server.properties" >"$home/format.log" 2>&1) || { cat "$home/format.log"; exit 1; }
}

case ${1:-} in
jars)
  mkdir -p "$libs"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$(cd "$libs" && pwd)"
  (cd "$libs" && sha256sum --quiet -c "$here/jars.sha256")
  ;;
run)
  configure
  echo "broker at 127.0.0.1:$port; it ends with Ctrl-C"
  echo $$ >"$home/broker.pid"
  java_run kafka.Kafka "$home/server.properties"
  ;;
start)
  configure
  java_run kafka.Kafka "$home/server.properties" >>"$home/broker.log" 2>&1 &
  echo $! >"$home/broker.pid"
  ;;
stop)
  kill "$(cat "$home/broker.pid")"
  rm "$home/broker.pid"
  ;;
kill)
  kill -9 "$(cat "$home/broker.pid")"
  rm "$home/broker.pid"
  ;;
*) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
esac
