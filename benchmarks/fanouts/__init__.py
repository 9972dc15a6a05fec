"""The parts of `benchmarks.fanout`."""
