"""The parts that touch the world outside."""
