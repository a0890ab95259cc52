"""What channel-gateway says."""
