"""One pool, transactions behind the tenant wall, roles, migrations, keyset lists."""
