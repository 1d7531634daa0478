"""Specifications of HTTP mode, at the real endpoint."""
