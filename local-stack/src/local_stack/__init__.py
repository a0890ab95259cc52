"""The whole product on one machine without containers."""
