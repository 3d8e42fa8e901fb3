"""
Everything people read in Slack, as pure functions: a value in, blocks out.

    presenter                                           by the configuration in force
    card | home | modals | notices | private_replies    what is shown where
    parts                                               what those are put together from
    block_kit                                           Slack's blocks, markup, dates and ids
"""
