"""The crash matrix: a small recovery, killed at every request and around every kind of click; nothing may be harmed.

`make crash` runs it whole, `test_crashes_tenth` a tenth of it. For other tests that want a recovery in which things
go wrong, these stand:

- `run.crash_run(folder, url, **settings)`: a company with the twofold account on a migrated database, everything on
  the wire heard. It yields a `CrashRun`; the bot is not started yet. A subclass may override `tend`, which every
  wait calls between two looks and which starts the bot again when it is gone, and `start`.
- `play.play(run)`: the whole recovery, to a closed incident with every handover saved, all drawn and posted. Raises
  `NotInTime` or `BotGone`. `run.on_deed` is told of each deed just before it is done.
- `checks.check(run)`: afterwards, the bot resting, everything that is wrong, as `Finding(harm, words)`.
- `databases.templates(kinds, folder)` and its `copy(kind, folder)`: a migrated database for each run.
- `crew.crew(at_once)`: processes to play many runs in.

What is where: `wire` hears requests, `deeds` is how people try again, `cases` names the requests, `clicks` the
stages of a click, `one` plays and checks one run, `matrix` all of them, by its `crew`.
"""
