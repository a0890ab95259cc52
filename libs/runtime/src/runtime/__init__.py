"""What makes a service a process: settings, parts, roles, command line."""
