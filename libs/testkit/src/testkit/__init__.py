"""pytest plugin: real Postgres and RabbitMQ, eventually(), builders."""
