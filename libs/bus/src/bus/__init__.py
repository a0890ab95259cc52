"""RabbitMQ: topology, publisher, collectors, failure classes, dead letters."""
