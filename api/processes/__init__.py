"""Work in processes of its own: child processes and replay jobs."""
