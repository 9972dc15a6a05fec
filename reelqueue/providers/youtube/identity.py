"""Whose channel a token is for."""

from typing import NamedTuple

from reelqueue.errors import AuthenticationFailed
from reelqueue.providers.youtube.client import YouTubeClient
from reelqueue.providers.youtube.errors import NAME, auth_command
from reelqueue.wording import Text


class Identity(NamedTuple):
    """A channel on YouTube."""

    channel_id: str
    title: str


async def identity(client: YouTubeClient) -> Identity:
    """The channel that the client acts for; takes 1 unit of quota.

    Raises:
        AuthenticationFailed: the account has no channel, or as `YouTubeClient.call`.
    """
    query = {"part": "snippet", "mine": "true"}
    said = await client.call("channels.list", "GET", "youtube/v3/channels", query=query)
    items = [one for one in said.get("items") or () if isinstance(one, dict)]
    if not items:
        raise no_channel(client)
    snippet = items[0].get("snippet")
    title = snippet.get("title", "") if isinstance(snippet, dict) else ""
    return Identity(str(items[0].get("id", "")), str(title))


def no_channel(client: YouTubeClient) -> AuthenticationFailed:
    """The error of an account that never made a channel."""
    auth = auth_command(client.access.channel)
    error = AuthenticationFailed(
        Text(f"這個 Google 帳號在 {NAME} 上沒有頻道", f"this Google account has no channel on {NAME}"),
        Text(f"先建立頻道，再用那個帳號執行 {auth}", f"make a channel first, then run {auth} with that account"),
    )
    error.usage = ()
    return error
