"""What identity says of who works in a project."""
