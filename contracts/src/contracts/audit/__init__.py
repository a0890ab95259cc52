"""What identity says."""
