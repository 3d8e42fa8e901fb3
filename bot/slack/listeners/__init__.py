"""
What Andon does when somebody clicks, submits, types or looks.

    buttons | modal_submissions | slash_command | home_tab    the surfaces: parse, one use case, answer
    outcomes | open_views | stop_and_resume | home_updates    answers that several surfaces give
    context                                                   the core, the Web API, private replies
    payload                                                   who clicked what, read from a signed body

A handler returns what its acknowledgement carries, and whoever called it acknowledges: nothing can be
acknowledged before its use case has committed.
"""
