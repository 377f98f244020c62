"""The words of which the demo's invented companies are named."""

FIRST = """
Alder Amber Aspen Birch Bracken Bramble Bright Calder Cedar Chalk Clear Clover Cobalt Copper Coral Cove Crescent
Dapple Dawn Delta Drift Dune Eider Ember Fathom Fennel Fern Flint Gable Garnet Glade Granite Hazel Heath Heron
Hollow Indigo Ivory Juniper Kestrel Larch Lark Linden Lumen Maple Marble Marsh Meadow Mill Mistral Moor Nettle
North Oak Ochre Onyx Opal Osprey Pebble Pine Plover Quarry Quill Raven Reed Ridge River Rowan Saffron Sage Shale
Silver Slate Sorrel Spruce Stone Swift Tamar Teal Thistle Timber Umber Vale Verdant Walnut Warren Wharf Willow
Yarrow
""".split()  # noqa: SIM905 (a hundred quoted words would not be readable)

SECOND = """
Analytics Aviation Bank Biotech Broadcasting Ceramics Cooperative Dairy Dynamics Energy Foods Forestry Freight
Games Gardens Health Hospital Hydraulics Insurance Instruments Labs Library Logistics Maritime Materials
Mobility Motors Museum Optics Pharma Press Radio Rail Research Robotics Semiconductors Shipping Software Solar
Steel Studio Systems Telecom Textiles Tools Transit University Utilities Water Wind
""".split()  # noqa: SIM905 (a hundred quoted words would not be readable)
