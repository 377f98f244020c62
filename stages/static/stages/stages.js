// The catalog's pages work without this; it only saves reaching.
"use strict";
