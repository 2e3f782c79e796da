"""What the national protocol keeps: messages, nonces, files, an institution's terms."""
