"""Specifications of the practice servers."""
