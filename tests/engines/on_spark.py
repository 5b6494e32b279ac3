"""Spark in this process, with Iceberg. It can be started once in a process."""

import subprocess

from engine import ROOT, Engine, variables
from pyspark.sql import SparkSession

CONF = ROOT / "engines" / "spark" / "conf.sh"
# for little data: most of the time goes into plans, and none into waiting for a core
SMALL = {
    "spark.driver.memory": "3g",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}


class Spark(Engine):
    target = "spark"

    def __init__(self, folder):
        conf = subprocess.run(
            [CONF, folder / "spark"], check=True, capture_output=True, text=True
        ).stdout.strip()
        super().__init__(folder, {"SPARK_CONF_DIR": conf})
        with variables(self.environment):
            self.session = SparkSession.builder.config(map=SMALL).enableHiveSupport().getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    def begin(self, name):
        """Go on with schemas of a test's own: Iceberg remembers files of dropped tables."""
        self.schema, self.raw = f"dwell_{name}", f"raw_{name}"
        self.manifests = {}
        super().begin(name)

    def execute(self, sql):
        self.session.sql(sql)

    def query(self, sql):
        found = self.session.sql(sql)
        return found.columns, [tuple(row) for row in found.collect()]

    def load(self, table, rows):
        frame = self.session.createDataFrame(rows)
        name = f"{self.raw}.{table}"
        if self.session.catalog.tableExists(name):
            frame.writeTo(name).append()
        else:
            frame.writeTo(name).using("iceberg").create()

    def stop(self):
        self.session.stop()
