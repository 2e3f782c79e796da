"""The page at `/docs/fsi/check`: the connection check for a browser."""
