"""What pipeline-automation says of automation rules."""
