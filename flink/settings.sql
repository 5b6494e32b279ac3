-- How the job runs. A cluster has its own words for where checkpoints go: any of its file systems.
SET 'execution.runtime-mode' = 'streaming';
SET 'pipeline.name' = 'dwell watch streams';

-- Sinks commit at a checkpoint, so this is also how long a record waits before others see it.
SET 'execution.checkpointing.interval' = '10 s';
SET 'execution.checkpointing.dir' = 'file:///tmp/dwell-flink';
SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION';

-- A partition that has been silent for so long no longer holds back the time of the others.
-- docs/how-to/flink.md tells what that can cost, and how to do without.
SET 'table.exec.source.idle-timeout' = '60 s';

-- Times are printed with Z, so they must be those of UTC.
SET 'table.local-time-zone' = 'UTC';
