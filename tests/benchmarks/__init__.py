"""Specifications of what the benchmarks measure with; never of how fast anything is."""
