"""
What every door says to people and agents, in words and free of any door's markup.

    states  next_step  gist              sentences and summaries of one request
    arguments                            the arguments of an action as labelled rows
    view                                 a request, and what the configuration says of it
    text  times                          untrusted text made visible; instants in words

Slack, the agents' API and any later door may import it; it imports none of them. A door adds its own
markup: ``bot.slack.render.block_kit`` escapes text for ``mrkdwn`` and lets Slack draw the dates.
"""
