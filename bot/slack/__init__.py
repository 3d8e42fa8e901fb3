"""
Slack, the people's side of Andon.

    app  app_manifest      puts it together; what Slack is told about the app
    routes                 which handler takes which request
    ingress/               what comes in: the guard over HTTP, or Socket Mode
    listeners/             what is done about it: parse, one use case, answer
    outgoing/              what goes out: the outbox's rows, at the pace Slack allows
    render/                what people read: values in, blocks out
    signed_request  web_api

``ingress``, ``listeners`` and ``outgoing`` never import each other. A click comes in through ``ingress``,
``routes`` finds its handler in ``listeners``, which runs a use case of the core; the changed card leaves
through ``outgoing`` after the commit, rendered from the newest state.
"""
