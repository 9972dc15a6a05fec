"""The parts of `benchmarks.board`."""
