#!/bin/sh
# Settings for Spark with Iceberg, whose tables, and the metastore that knows them, are in a folder: conf.sh FOLDER
# Writes FOLDER/conf/spark-defaults.conf and prints FOLDER/conf, for SPARK_CONF_DIR.
set -eu
test $# = 1 || { echo "usage: $0 FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
jar=$(ls "$here"/../../.spark/jars/iceberg-*.jar 2>/dev/null) || { echo "no Iceberg yet: run make engines" >&2; exit 1; }
mkdir -p "$1/conf"
folder=$(cd "$1" && pwd)
cat >"$folder/conf/spark-defaults.conf" <<END
spark.master local[*]
spark.jars $jar
spark.ui.enabled false
spark.sql.session.timeZone UTC
spark.sql.shuffle.partitions 4
# tables are Iceberg's, and known with the views in one metastore: an embedded Derby, which one process opens at a time
spark.sql.extensions org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions
spark.sql.catalog.spark_catalog org.apache.iceberg.spark.SparkSessionCatalog
spark.sql.catalog.spark_catalog.type hive
spark.sql.warehouse.dir $folder/tables
spark.hadoop.javax.jdo.option.ConnectionURL jdbc:derby:;databaseName=$folder/metastore;create=true
spark.hadoop.datanucleus.schema.autoCreateAll true
spark.hadoop.hive.metastore.schema.verification false
# else Iceberg takes locks, which this metastore does not have
spark.hadoop.iceberg.engine.hive.lock-enabled false
spark.driver.extraJavaOptions -Duser.timezone=UTC -Dderby.system.home=$folder
END
echo "$folder/conf"
