"""HTTP: routes with permissions, problems, paging, idempotency, health, server."""
