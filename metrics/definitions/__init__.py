"""The dictionary's rules: reading definitions, slots, the reading plan, mapping, hygiene, review."""
