"""
What comes from Slack: over HTTP past the guard, or over a socket that we opened.

    guard, endpoint            the way in over HTTP
    socket_mode                the other way in
    envelope  signed_body      pure: is it signed, and what does its body say?
    replays                    the signed requests that were seen already
"""
