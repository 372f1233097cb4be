"""A stop watch for two times: the clock's, and the processor's, which other processes do not lengthen."""

import time


class Watch:
    """Runs from its making, or from `start`, until `stop`."""

    def __init__(self):
        self.seconds = self.processor = 0.0
        self.start()

    def start(self):
        self._began = time.perf_counter(), time.process_time()

    def stop(self):
        self.seconds = time.perf_counter() - self._began[0]
        self.processor = time.process_time() - self._began[1]
        return self
