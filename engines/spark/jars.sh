#!/bin/sh
# Fetches Iceberg for Spark into .spark/jars (Maven), and checks it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/../../.spark/jars"
jars=$(cd "$here/../../.spark/jars" && pwd)
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$jars"
(cd "$jars" && sha256sum --quiet -c "$here/jars.sha256")
