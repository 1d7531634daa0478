"""The state machine: a bot that dies, people who decide in any order, and what must hold whatever happens."""
