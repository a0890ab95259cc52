"""Where others come in."""
