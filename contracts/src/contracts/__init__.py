"""The events: envelope, one model per event version, schemas, examples, topology."""
