"""The drill's story: actors play the people of the company through a whole recovery.

stage.py        who plays, what they wait for, and what they do by habit meanwhile
habits.py       what people do when the bot writes to them
scenes.py       the scenes, in order
investigating.py  the scenes of step 0: what the attacker left
disabled.py     the scenes of another story: the account is disabled and the bot's key dead, so people begin by hand
people.py       the scenes of steps 3 and 4: everybody's own part
"""

from drill.story.scenarios import SCENARIOS, Scenario
from drill.story.stage import Stage, StoryBroken

__all__ = ["SCENARIOS", "Scenario", "Stage", "StoryBroken"]
