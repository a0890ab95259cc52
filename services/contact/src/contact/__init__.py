"""People and how they are addressed."""
