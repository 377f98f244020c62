"""The structure files: reading them (pure) and bringing the catalog in line with them."""
