"""Benchmarks: how fast the bot is, against what people would use instead. `make bench` runs them all."""
