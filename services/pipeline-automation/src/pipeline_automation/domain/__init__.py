"""Rules of pipelines, placements and automation: standard library and kernel only."""
