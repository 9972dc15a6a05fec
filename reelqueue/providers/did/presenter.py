"""D-ID's talks: a photograph, and the sound of a whole part, become a clip of somebody who says it."""

import asyncio
import hashlib
import math
import re
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reelqueue import clock
from reelqueue.errors import PermanentError, ReelqueueError
from reelqueue.media.clip import CLIP_VERSION, ingest_clip
from reelqueue.models.buckets import CREDITS, DID
from reelqueue.models.cost import Cost, Need
from reelqueue.models.prices import PriceTable
from reelqueue.models.project import Usage
from reelqueue.providers.did.errors import NAME, failed, gone, said, unavailable
from reelqueue.providers.did.wire import Expired, Wire
from reelqueue.providers.protocols import PresenterRequest
from reelqueue.wording import Text

BASE_URL = "https://api.d-id.com"
SOURCE_URL = "https://d-id-public-bucket.s3.us-west-2.amazonaws.com/alice.jpg"
"""D-ID's own example, where DID_SOURCE_URL names no photograph."""
MODEL, UNIT = "talks", "second"
BILLED_IN_S = 15
"""A credit pays for so many seconds; a begun one counts whole."""
MOST_S = 300.0
"""D-ID makes no longer clip."""
FRESH_ADDRESSES = 2
"""How often a result's address is asked for: a signed one may have expired since."""
VERSION = f"talks-1.{CLIP_VERSION}"
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}", re.ASCII)


class DIdPresenter:
    """See `Presenter`.

    `begin` is the only call that is paid for.  A `PermanentError` of `poll` or `fetch` means that the job is dead; after
    a `TransientError` the same job may be asked again.  D-ID knows no key that would make `begin` safe to repeat: its
    id has to be kept before anything else is done.
    """

    name = "did"

    def __init__(self, base_url: str | None, api_key: SecretStr | str, *, source_url: str | None, prices: PriceTable) -> None:
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        self._source_url = source_url or SOURCE_URL
        self._prices = prices
        self._wire = Wire(base_url or BASE_URL, key.strip().removeprefix("Basic "))
        photograph = hashlib.sha256(self._source_url.encode()).hexdigest()[:12]  # its address may be signed: a secret
        self.version = f"{VERSION}.{photograph}"

    async def aclose(self) -> None:
        """End the connections."""
        await self._wire.close()

    def cost(self, request: PresenterRequest) -> Cost:
        """See `Presenter`: by begun credits of 15 s."""
        seconds = _billed_s(request)
        return Cost(usd=self._price(seconds), needs=(Need(client=DID, name=CREDITS, amount=seconds // BILLED_IN_S),))

    def usage(self, request: PresenterRequest) -> tuple[Usage, ...]:
        """See `Presenter`: D-ID says nothing of it, so it is what was reserved."""
        seconds = _billed_s(request)
        return (Usage(service=self.name, model=MODEL, unit=UNIT, amount=seconds, cost_usd=float(self._price(seconds))),)

    async def credits_left(self) -> float:
        """How many credits of 15 s are left; costs nothing.

        Raises:
            AuthenticationFailed, ServiceMisconfigured: the key or the address is wrong.
            TransientError: there was no answer that makes sense.
        """
        left = (await self._wire.account()).get("remaining")
        if not isinstance(left, int | float):
            raise _unbilled(unavailable(Text("沒有說還剩多少點數", "did not say how many credits are left")))
        return float(left)

    async def begin(self, request: PresenterRequest, sound: Path) -> str:
        """See `Presenter`.  Two requests: the sound is sent, then the talk is made."""
        if request.duration_s > MOST_S:
            raise _too_long(request.duration_s)
        kept = await self._wire.send_sound(sound)
        address = kept.get("url")
        if not isinstance(address, str) or not address:
            raise _unbilled(unavailable(Text("沒有給聲音檔的位址", "gave no address for the sound")))
        talk = await self._wire.create(
            {
                "source_url": self._source_url,
                "script": {"type": "audio", "audio_url": address},
                "config": {"result_format": "mp4", "stitch": True},
                "name": f"reelqueue {request.role}",
            }
        )
        job_id = talk.get("id")
        if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
            raise unavailable(Text("沒有給工作的編號", "gave no id for the job"))
        return job_id

    async def poll(self, job_id: str) -> bool:
        """See `Presenter`."""
        talk = await self._look(job_id)
        status = talk.get("status")
        if status == "done":
            return True
        if status in {"created", "started"}:
            return False
        if status in {"error", "rejected"}:
            raise _unbilled(failed(status, said(talk.get("error") or talk)))
        raise _unbilled(unavailable(Text("給了不明的狀態", "gave a status that is not known")))

    async def fetch(self, job_id: str, folder: Path) -> dict[str, Any]:
        """See `Presenter`.  The file is re-encoded by us before anything else reads it."""
        part = folder / f"did-{job_id}.{secrets.token_hex(4)}.part"
        target = folder / f"did-{job_id}.mp4"
        try:
            await self._downloaded(job_id, part)
            clip = await ingest_clip(part, target)
        except ReelqueueError as error:
            error.usage = ()
            raise
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return {"kind": "clip", "path": target.name, **clip.model_dump()}

    async def _downloaded(self, job_id: str, part: Path) -> None:
        for _ in range(FRESH_ADDRESSES):
            address = (await self._look(job_id)).get("result_url")
            if not isinstance(address, str):
                raise unavailable(Text("還沒有影片的位址", "has no address for the clip yet"))
            try:
                await self._wire.download(address, part)
            except Expired:
                continue
            return
        raise unavailable(Text("給的影片位址打不開", "gave addresses for the clip that don't open"))

    async def _look(self, job_id: str) -> dict[str, Any]:
        if not _ID.fullmatch(job_id):
            raise _unbilled(gone(job_id[:40]))
        return await self._wire.look(job_id)

    def _price(self, seconds: int) -> Decimal:
        return self._prices.usd(self.name, MODEL, UNIT, seconds, on=clock.now().date())


def _billed_s(request: PresenterRequest) -> int:
    """The length in whole credits, in seconds."""
    return math.ceil(max(request.duration_s, 0.001) / BILLED_IN_S) * BILLED_IN_S


def _too_long(seconds: float) -> ReelqueueError:
    return _unbilled(
        PermanentError(
            Text(
                f"{NAME} 的主持人影片最長 {MOST_S:g} 秒，這一段有 {seconds:.0f} 秒",
                f"{NAME}'s clips last {MOST_S:g} s at most, this part {seconds:.0f} s",
            ),
            Text(
                "縮短開場或結尾，或設定 PRESENTER_PROVIDER=local", "shorten the intro or outro, or set PRESENTER_PROVIDER=local"
            ),
        )
    )


def _unbilled(error: ReelqueueError) -> ReelqueueError:
    """Only `begin` is billed: what fails after it, or before it, took nothing."""
    error.usage = ()
    return error
