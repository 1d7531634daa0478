"""The database: tables, the queries that recovery asks for, migrations, and the vault.

`Database.open` is the way in. It keeps `recovery.store.Store` on SQLite and on PostgreSQL alike.
"""
