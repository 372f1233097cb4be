"""From the journal to the sinks: a lane for each sink, partitions within a lane, attempts at an outlet."""

from jackfield._delivery.pipeline import SinkPipeline

__all__ = ["SinkPipeline"]
