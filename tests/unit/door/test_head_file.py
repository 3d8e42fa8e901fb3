"""The head in a file: replaced as a whole, never by an older one or another's."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.head_file import HeadFile
from escalation.audit import ChainHash
from escalation.errors import HeadUnknown
from escalation.head import Head

HEAD = Head(record="rec_1", epoch=1, seq=7, hash=ChainHash("ab" * 32), at=datetime(2026, 11, 16, tzinfo=UTC))


async def test_a_head_is_kept_and_never_goes_back(tmp_path: Path) -> None:
    """The newest stays, whoever comes last; an operator alone puts another in its place."""
    file = HeadFile(tmp_path / "head")
    assert await file.read() is None
    heads = [replace(HEAD, seq=seq) for seq in range(1, 30)]
    await asyncio.gather(*(HeadFile(tmp_path / "head").keep(each) for each in (*heads[::-1], *heads)))
    assert await file.read() == heads[-1]
    await file.keep(replace(HEAD, epoch=2, seq=1))
    await file.keep(heads[-1])
    assert await file.read() == replace(HEAD, epoch=2, seq=1)
    await file.replace(HEAD)
    assert await file.read() == HEAD
    assert [each.name for each in tmp_path.iterdir()] == ["head"]


async def test_anothers_head_is_not_overwritten(tmp_path: Path) -> None:
    """Two databases that were given one file do not take it from each other."""
    file = HeadFile(tmp_path / "head")
    await file.keep(HEAD)
    with pytest.raises(HeadUnknown, match=r"head holds the head of another database"):
        await file.keep(replace(HEAD, record="rec_2", seq=99))
    assert await file.read() == HEAD


async def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """What cannot be read or written is an error with the file and the reason; what stands there stays."""
    (tmp_path / "head").write_bytes(b"\xff\xfe")
    with pytest.raises(HeadUnknown, match="head holds no head of a record"):
        await HeadFile(tmp_path / "head").read()
    with pytest.raises(HeadUnknown, match="holds no head"):
        await HeadFile(tmp_path / "head").keep(HEAD)
    assert (tmp_path / "head").read_bytes() == b"\xff\xfe"
    with pytest.raises(HeadUnknown, match="cannot be read: Is a directory"):
        await HeadFile(tmp_path).read()
    missing = HeadFile(tmp_path / "gone" / "head")
    assert await missing.read() is None
    with pytest.raises(HeadUnknown, match="cannot be written: No such file or directory"):
        await missing.keep(HEAD)
