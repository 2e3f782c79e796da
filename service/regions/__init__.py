"""Each region's dated editions, and the checks a file must pass."""
