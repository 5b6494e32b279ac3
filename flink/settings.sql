-- How the job runs. A cluster stores checkpoints in a file system of its own: change the folder.
SET 'execution.runtime-mode' = 'streaming';
SET 'pipeline.name' = 'dwell watch streams';

-- Sinks commit at a checkpoint, so this is also how long a record waits before others see it.
SET 'execution.checkpointing.interval' = '10 s';
SET 'execution.checkpointing.dir' = 'file:///tmp/dwell-flink';
SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION';

-- A partition that has been silent for so long no longer holds back the watermark of the others.
-- docs/how-to/flink.md describes what that can cost, and the alternative.
SET 'table.exec.source.idle-timeout' = '60 s';

-- Times are printed with Z, so they must be those of UTC.
SET 'table.local-time-zone' = 'UTC';
