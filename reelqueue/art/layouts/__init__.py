"""How each layout is drawn.  A new layout is one module here, one line below, and its name in `models.scene.Layout`."""

from collections.abc import Callable

from reelqueue.art.layouts import backdrop, number_hero, opening, outro, picture_full, picture_print, points_rows, statement
from reelqueue.art.layouts.scene import Drawing, Scene
from reelqueue.models.scene import Layout

LAYOUTS: dict[Layout, Callable[[Scene, Drawing], None]] = {
    "opening": opening.draw,
    "statement": statement.draw,
    "number-hero": number_hero.draw,
    "points-rows": points_rows.draw,
    "backdrop": backdrop.draw,
    "outro": outro.draw,
    "picture-full": picture_full.draw,
    "picture-print": picture_print.draw,
}
