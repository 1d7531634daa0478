"""A simulated month: a thousand people in thirty time zones, the bot among them, and what it has promised."""
