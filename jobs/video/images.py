"""What each part shows: the user's own pictures first, else the image maker's.

A picture by a service is kept twice by name: under the whole request, and under what the service was asked, which is less.  So new
words beside the same description pay for no new picture.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.stages import StageRun
from jobs.video.given import content_of
from jobs.video.pieces import Tally, is_the_makers, kept_or_made, record_of
from jobs.video.together import together
from reelqueue.errors import AuthenticationFailed, ReelqueueError, ServiceMisconfigured, as_wire
from reelqueue.media.image import INGEST_VERSION, given_pictures, ingest
from reelqueue.models.brief import Brief
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import ShownPiece
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Script
from reelqueue.providers.protocols import ImageMaker, ImageRequest
from reelqueue.wording import Text

OF_ALL = (AuthenticationFailed, ServiceMisconfigured)
"""What one picture is refused for, all are: the next ones are not asked for."""
AT_ONCE = 4
"""Pictures asked for side by side (a service's own limit is its adapter's matter)."""
FULL_WIDTH_PX = 1600
"""From this width on a picture fills the frame; a smaller one is framed (look.md section 5 of the specification)."""


async def picture_inputs(brief: Brief) -> list[str | None]:
    """The user's pictures by content, for the fingerprint."""
    paths = await asyncio.to_thread(given_pictures, brief.images, brief.images_dir)
    return [await content_of(path) for path in paths]


async def own_pictures(run: StageRun, script: Script) -> dict[int, ShownPiece]:
    """The pictures that are there already, by their segments (which count from 1 here: 0 is the intro).

    The user's are spread evenly; a segment's own, which the script came with, stands where it belongs.
    """
    return await _spread(run, len(script.segments)) | await _own_of_segments(run, script)


async def _own_of_segments(run: StageRun, script: Script) -> dict[int, ShownPiece]:
    named = {segment.index + 1: segment.picture for segment in script.segments if segment.picture is not None}
    files = {place: run.files.root / (await run.blobs.describe(picture)).path for place, picture in named.items()}
    return {place: await _ingested(run, path) for place, path in files.items()}


async def _spread(run: StageRun, segments: int) -> dict[int, ShownPiece]:
    given = await asyncio.to_thread(given_pictures, run.brief.images, run.brief.images_dir)
    if len(given) > segments:
        run.warn(Text(f"圖片比段落多，只用前 {segments} 張", f"more pictures than segments: the first {segments} are used"))
        given = given[:segments]
    places = spread_places(len(given), segments)
    return {place: await _ingested(run, path) for place, path in zip(places, given, strict=True)}


def spread_places(pictures: int, segments: int) -> list[int]:
    """The segments, which count from 1 here, that so many pictures of the user's stand in."""
    pictures = min(pictures, segments)
    return [1 + i * segments // pictures for i in range(pictures)]


async def _ingested(run: StageRun, source: Path) -> ShownPiece:
    key = piece_key({"picture": await content_of(source), "ingest": INGEST_VERSION})

    async def holds(piece: ShownPiece) -> bool:
        return piece.picture is not None and await run.blobs.holds(piece.picture)

    async def make() -> ShownPiece:
        await run.hold(f"picture {key}")
        part = run.files.images / f"{key}.{run.project.fence}.part"
        picture = await ingest(source, part)
        artifact = await run.blobs.put(f"images/{key}.{picture.suffix}", part)
        layout = "picture-full" if picture.width >= FULL_WIDTH_PX else "picture-print"
        scene = SceneSpec(
            text="", language=run.language, candidates=(layout,), title="", picture=artifact.path, picture_width=picture.width, picture_height=picture.height
        )  # fmt: skip
        return ShownPiece(key=key, scene=scene, picture=artifact)

    return await kept_or_made(run, ShownPiece, f"images/{key}.json", holds=holds, make=make)


async def shown_pieces(
    run: StageRun, script: Script, pictures: dict[int, ShownPiece], tally: Tally
) -> tuple[list[ShownPiece], list[dict[str, Any]]]:
    """What each part shows, in their order, and the errors for which a drawn scene stands in."""
    places, errors = asyncio.Semaphore(AT_ONCE), list[dict[str, Any]]()
    named = named_requests(run.providers.image, image_requests(run.brief, script))

    async def one(place: int, request: ImageRequest, shared: str | None) -> ShownPiece:
        async with places:
            piece = await _shown(run, request, shared, pictures.get(place), errors)
        await tally.add(20)
        return piece

    return await together(run, [one(place, request, shared) for place, (request, shared) in enumerate(named)]), errors


def named_requests(maker: ImageMaker, requests: Sequence[ImageRequest]) -> Iterator[tuple[ImageRequest, str | None]]:
    """Each request, and the name of the record of the picture that its words ask for; None where the whole request decides.

    Where several parts ask for the same, each has a picture of its own: the first, the second, ...
    """
    times: Counter[str] = Counter()
    for request in requests:
        asked = maker.asked(request) if request.role == "segment" else None
        if asked is None:
            yield request, None
        else:
            key = piece_key({"asked": asked, "time": times[asked], "maker": [maker.name, maker.version]})
            times[asked] += 1
            yield request, f"images/asked-{key}.json"


def image_record(maker: ImageMaker, request: ImageRequest) -> str:
    """The name of the record of what one part shows."""
    return f"images/{_key(maker, request)}.json"


def _key(maker: ImageMaker, request: ImageRequest) -> str:
    return piece_key({"request": request.model_dump(), "maker": [maker.name, maker.version]})


def image_requests(brief: Brief, script: Script) -> Sequence[ImageRequest]:
    """What the image maker is asked for each part, in their order."""
    metadata, aspect = script.metadata, brief.aspect
    topic = brief.topic or script.title_of_pieces

    def request(role: str, index: int, text: str, description: str, heading: str | None) -> ImageRequest:
        return ImageRequest(
            role=role, text=text, image_description=description, heading=heading, title=metadata.title, topic=topic, language=script.language,
            index=index, aspect=aspect, image_style=brief.image_style, negative_prompt=brief.negative_prompt,
        )  # fmt: skip

    middle, heading = [], None
    for segment in script.segments:  # a heading stands over all that follows it
        heading = segment.heading or heading
        middle.append(request("segment", segment.index + 1, segment.text, segment.image_description, heading))
    return [
        request("intro", 0, script.intro.text, metadata.title, None),
        *middle,
        request("outro", len(middle) + 1, script.outro.text, metadata.title, None),
    ]


async def _shown(
    run: StageRun, request: ImageRequest, shared: str | None, own: ShownPiece | None, errors: list[dict[str, Any]]
) -> ShownPiece:
    if own is not None:
        return await _with_words_of(run, request, own)
    stand_in = run.providers.stand_in
    maker = run.providers.image if request.role == "segment" else stand_in  # an opening and a close are drawn: words lead there
    try:
        return await _made(run, maker, request, shared)
    except ReelqueueError as error:
        if maker is stand_in or isinstance(error, OF_ALL) or not is_the_makers(run, error):
            raise
        errors.append({"index": request.index, **as_wire(error)})
        return (await _made(run, stand_in, request, None)).replace(stand_in=True)


async def _with_words_of(run: StageRun, request: ImageRequest, piece: ShownPiece) -> ShownPiece:
    """A picture that is there already, as this part shows it: the words beside it are the part's own."""
    words = (await run.providers.stand_in.make_image(request, run.files.images)).scene
    scene = piece.scene.replace(
        text=request.text, title=words.title, marked="", note="", language=request.language, subject=words.subject
    )
    return piece.replace(scene=scene)


async def _made(run: StageRun, maker: ImageMaker, request: ImageRequest, shared: str | None) -> ShownPiece:
    key = _key(maker, request)

    async def holds(piece: ShownPiece) -> bool:
        return piece.picture is None or await run.blobs.holds(piece.picture)

    async def make() -> ShownPiece:
        kept = None if shared is None else record_of(ShownPiece, await run.blobs.peek(shared))
        if kept is not None and kept.picture is not None and await run.blobs.holds(kept.picture):
            return (await _with_words_of(run, request, kept)).replace(key=key)
        await run.hold(f"image {key}")
        made = await run.call(
            f"image {key}",
            lambda: maker.make_image(request, run.files.images),
            cost=maker.cost(request),
            turn=maker.turn,
            billed=lambda image: image.usage,
        )
        scene = made.scene
        if scene.picture is None:
            return ShownPiece(key=key, scene=scene, usage=made.usage)
        suffix = Path(scene.picture).suffixes[-2]  # before `.part`
        picture = await run.blobs.put(f"images/{key}{suffix}", run.files.images / scene.picture)
        return ShownPiece(key=key, scene=scene.replace(picture=picture.path), picture=picture, usage=made.usage)

    piece = await kept_or_made(run, ShownPiece, image_record(maker, request), holds=holds, make=make)
    if shared is not None:
        await _keep_shared(run, shared, piece)
    return piece


async def _keep_shared(run: StageRun, shared: str, piece: ShownPiece) -> None:
    kept = record_of(ShownPiece, await run.blobs.peek(shared))
    if kept is None or kept.picture != piece.picture:
        await run.blobs.write(shared, piece.model_dump_json().encode())
