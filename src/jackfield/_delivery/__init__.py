"""From the journal to the sinks: a pipeline for each sink, partitions within a pipeline, attempts by a runner."""

from jackfield._delivery.pipeline import SinkPipeline

__all__ = ["SinkPipeline"]
