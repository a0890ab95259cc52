"""What people, programs and providers may ask."""
