"""Rules of conversations: where a message lies, how its status may move."""
