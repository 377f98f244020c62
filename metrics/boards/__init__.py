"""What pages show of figures: read models of stages, groups, sections and the tables, with charts and words."""
