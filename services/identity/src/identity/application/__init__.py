"""What identity can do, one use case per file."""
