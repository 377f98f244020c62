"""Reading a ping without losing its good part: pure computation, no Django.

``document`` parses what a strict parser refuses, ``identity`` says whose it is, ``exports`` names what is no ping,
``personal`` cuts out what must not be kept, ``about`` tells what the report says of itself, ``classify`` judges
each leaf against the dictionary. ``PARSER_VERSION`` grows whenever the same bytes may be read differently.
"""

PARSER_VERSION = 1
