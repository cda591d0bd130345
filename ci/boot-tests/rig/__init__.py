"""What the boot tests stand on: a box with its power, console, shell and page, and the instruments to measure it."""
