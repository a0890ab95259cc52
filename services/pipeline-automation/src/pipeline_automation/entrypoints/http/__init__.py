"""Pipelines, placements and rules over HTTP."""
