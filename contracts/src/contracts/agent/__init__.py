"""What identity says of agents."""
