"""What session says."""
