"""What this service hears: one file each."""
