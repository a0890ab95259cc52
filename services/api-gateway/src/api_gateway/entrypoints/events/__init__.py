"""Events that this process hears for itself, while it runs."""
