"""How the local image maker works: a part's words become a scene to be drawn.  Pure."""

from reelqueue.models.scene import SceneSpec
from reelqueue.providers.local.image_layouts import find_layouts, material_of
from reelqueue.providers.local.image_subject import subject_of
from reelqueue.providers.local.script_parts import CLOSE
from reelqueue.providers.protocols import ImageRequest


def scene_of(request: ImageRequest) -> SceneSpec:
    """What one part shows; pure."""
    layouts, found = find_layouts(material_of(request))
    told = request.text.replace(CLOSE.in_language(request.language), "")
    return SceneSpec(
        text=request.text,
        language=request.language,
        candidates=layouts,
        title=found.title,
        marked=found.marked,
        kicker=found.kicker,
        note=found.note,
        subject=subject_of(
            told,
            request.title if request.role == "outro" else found.title,
            request.heading,
            request.language,
            theme=f"{request.title} {request.topic}",
            theme_first=request.role != "segment" or request.index % 2 == 1,
        ),
        figure=found.figure,
        points=found.points,
    )
