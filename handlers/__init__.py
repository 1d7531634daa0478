"""The Slack room. In: what people type and click. Out: what the bot says, and who is who.

In, each listener cuts the payload to a `recovery.state.NewRequest`, stores it, and only then acknowledges
(`intake`). One file a kind: `commands`, `actions` (buttons), `views` (forms); `app` registers them all. Slack reaches
them through a `door`: `socket` or `http`. `server` is the process's port, `health` what it says of itself there.

Out, `messenger` and `directory` keep two of `recovery.ports`; `blocks` draws what is said, as pure functions.
"""
