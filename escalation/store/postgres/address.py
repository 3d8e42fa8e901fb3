"""Where the database is, told without its password."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

UNREADABLE = (
    "ANDON_DATABASE_URL cannot be read; write postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE,"
    " with %40 for @, %2F for /, %3A for :, %3F for ? and %23 for # in the password"
)
#: Hosts with their ports, or the folder of a socket.
_HOSTS = re.compile(r"[\w.,:\[\]/-]*", re.ASCII)
_DATABASE = re.compile(r"[\w.-]*", re.ASCII)


def where(url: str) -> str:
    """Return where *url* leads, as host, port and database: never a user or a password."""
    named = "as ANDON_DATABASE_URL says"
    try:
        parts = urlsplit(url)
    except ValueError:
        return named
    # An @ anywhere else belongs to a password that was not written as a URL wants it.
    if url.count("@") > 1 or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return f"{named}; an @ in its password is written %40, and a / is %2F"
    _, at, hosts = parts.netloc.rpartition("@")
    # Without an @, what follows the colon may be a password whose host was forgotten.
    hosts = unquote(hosts if at else hosts.partition(":")[0]) or ",".join(
        parse_qs(parts.query).get("host", [])
    )
    database = unquote(parts.path.removeprefix("/"))
    if _HOSTS.fullmatch(hosts) is None or _DATABASE.fullmatch(database) is None:
        return named
    return f"at {hosts or 'this machine'}/{database}, {named}"
