"""Looking whether links still lead somewhere: politely, and never into our own network."""
