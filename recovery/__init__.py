"""The rules of a recovery: incidents, steps, decisions, tasks, handovers, obligations, reminders.

This room imports no Slack, no SQL and no HTTP. What it needs of them it states in `recovery.ports`.
"""
