#!/bin/sh
# Fetches Flink's Kafka connector into .flink/jars (Maven), and checks it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/../.flink/jars"
jars=$(cd "$here/../.flink/jars" && pwd)
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$jars"
(cd "$jars" && sha256sum --quiet -c "$here/jars.sha256")
