"""The Slack room. In: what people type and click. Out: what the bot says, and who is who.

In, each listener cuts the payload to a `recovery.state.NewRequest`, stores it, and only then acknowledges
(`intake`). One file a kind: `commands`, `actions` (buttons), `views` (forms); `app` registers them all,
`socket` connects them to Slack.

Out, `messenger` and `directory` keep two of `recovery.ports`; `blocks` draws what is said, as pure functions.
"""
