"""What contact says of custom field definitions."""
