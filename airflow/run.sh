#!/bin/sh
# Airflow on this machine, with the DAG of this folder: run.sh standalone | dags unpause watch_streams | any other command
# All it keeps is in AIRFLOW_HOME (default: .airflow, next to this folder). Everyone who can reach its port (8080, of this
# machine only) is its administrator: it is only for trying the DAG.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
test -e "$here/.venv-airflow/.installed" || { echo "no Airflow yet: make airflow"; exit 1; }
export AIRFLOW_HOME="${AIRFLOW_HOME:-$here/.airflow}"
export AIRFLOW__CORE__DAGS_FOLDER="$here/airflow/dags"
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS=True
export AIRFLOW__API__HOST=127.0.0.1
export AIRFLOW__COSMOS__ENABLE_TELEMETRY=False
export PATH="$here/.venv-airflow/bin:$PATH"
exec airflow "$@"
