"""What pipeline-automation says of the stages of a pipeline."""
