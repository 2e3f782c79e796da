"""The PostgreSQL server that the service carries: found, started, supervised."""
