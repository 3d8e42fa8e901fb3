"""
What comes from Slack: over HTTP past the guard, or over a socket that we opened.

    guard | socket_mode        the two ways in
    envelope  signed_body      pure: is it signed, and does its body say one thing?
    replays                    the signed requests that were seen already
"""
