"""What pipeline-automation says of pipelines."""
