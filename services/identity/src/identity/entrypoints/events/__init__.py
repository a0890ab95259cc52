"""What identity hears."""
