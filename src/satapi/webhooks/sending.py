"""Sending: one message by one request, and what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import httpx

from satapi.webhooks import messages

if TYPE_CHECKING:
    from satapi.webhooks.messages import Message

_TIMEOUT_S = 20.0
# What is answered is read so that the connection can be used again, and not looked at.
_ANSWER_BYTES_MAX = 65_536

_RETRY_FIRST_S, _RETRY_MAX_S = 5.0, 3_600.0


class Outcome(NamedTuple):
    """What came of a request: None where the message has arrived, else what was wrong; `is_refused` for ever."""

    error: str | None
    is_refused: bool = False


def client() -> httpx.AsyncClient:
    """A client that goes where it is sent and nowhere else: redirects are failures."""
    return httpx.AsyncClient(
        timeout=_TIMEOUT_S, follow_redirects=False, headers={"user-agent": "satapi", "accept-encoding": "identity"}
    )


async def send(sender: httpx.AsyncClient, url: str, secret: str, message: Message) -> Outcome:
    """Send a message once."""
    headers = messages.headers(message, secret, int(time.time()))
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            async with sender.stream("POST", url, content=message.body, headers=headers) as answer:
                status = answer.status_code
                await _read(answer)
    except TimeoutError:
        return Outcome(f"there was no answer within {_TIMEOUT_S:g} seconds")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Outcome(f"{type(error).__name__}: {error}")
    if HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(None)
    # Standard Webhooks: whoever answers so wants no more.
    return Outcome(f"the answer was {status}", is_refused=status == HTTPStatus.GONE)


async def _read(answer: httpx.Response) -> None:
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > _ANSWER_BYTES_MAX:
            return


def delay_s(attempts: int) -> float:
    """How long to wait after so many attempts: twice as long each time, and never all at once."""
    longest = min(_RETRY_FIRST_S * 2 ** min(attempts - 1, 20), _RETRY_MAX_S)
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - it spreads retries, and keeps no secret
