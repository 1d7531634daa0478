"""Random weather: whole recoveries while a fifth of all requests fail, one way or another, and the bot keeps dying.

    make soak             a hundred seeds, every fourth on PostgreSQL
    make soak SEED=17     one of them again

What the weather may do to a request, and what is beyond any guarantee, is in `drill.weather`. A seed decides what
the requests meet, when the bot is killed, and which database it has. What must be so at the end is the same as
after a single crash: `tests.crashes.checks`.

    run.py         a run in bad weather: killed at random moments, and started again
    watch.py       whoever sees to it that a step that needs a person gets one
    one.py         one seed, from its beginning to what was found
    many.py        many seeds in processes of their own, with a progress bar
    __main__.py    the command line
"""
