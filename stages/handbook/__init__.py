"""The handbook page in Markdown: reading it (pure), bringing it in, writing it out."""
