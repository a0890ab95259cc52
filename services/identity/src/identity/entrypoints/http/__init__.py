"""What people, programs and the gateway may ask."""
