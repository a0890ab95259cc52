"""What contact says."""
