"""What is kept, and in what."""
