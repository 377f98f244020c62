"""The host's side of the plugin door: discovery, registry, checks."""
