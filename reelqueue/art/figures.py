"""Mei and Kai, drawn flat: head, body, eyes, brows and mouths as SVG fragments in a space of 1000 x 1440.

The hair begins at y 150, the chin is at 780, the shoulders run out at the lower edge.
"""

from dataclasses import dataclass
from typing import Literal

from reelqueue.art.palette import mix

Figure = Literal["mei", "kai"]
FIGURES: tuple[Figure, ...] = ("mei", "kai")
MOUTHS = ("rest", "mbp", "fv", "l", "ee", "ah", "oh", "oo")
"""The mouth shapes of `models.voice.Viseme`."""

HEAD_BOX = (215, 140, 785, 960)
"""What the head layer needs: x0, y0, x1, y1."""
BODY_BOX = (0, 800, 1000, 1440)
EYES_BOX = (290, 440, 720, 580)
BROWS_BOX = (320, 370, 680, 470)
MOUTH_BOX = (395, 610, 605, 770)

_LIP, _INSIDE, _TONGUE, _TEETH = "#4a1520", "#4a1520", "#e06a68", "#fffdf8"


@dataclass(frozen=True, slots=True)
class Looks:
    """The colours of one figure in one video."""

    skin: str
    shade: str
    hair: str
    shine: str
    blush: str
    iris: str
    clothes: str
    trim: str
    ring: str


def looks(figure: Figure, *, clothes: str, trim: str, ink: str) -> Looks:
    """Mei or Kai in `clothes`; `trim` is the earrings' or the shirt's colour, `ink` the glasses'."""
    if figure == "mei":
        return Looks("#f4c9a6", "#dfa983", "#2d2433", "#55495f", "#f0a588", "#2d1a22", clothes, trim, trim)
    return Looks("#dea077", "#c6855e", "#3b2a22", "#6b5547", "#d98a68", "#3f2c30", clothes, trim, ink)


def head(figure: Figure, look: Looks) -> str:
    """Neck, ears, hair, face, cheeks and nose."""
    return _mei_head(look) if figure == "mei" else _kai_head(look)


def body(figure: Figure, look: Looks) -> str:
    """Shoulders and clothes."""
    return _mei_body(look) if figure == "mei" else _kai_body(look)


def _mei_head(c: Looks) -> str:
    return (
        f'<path fill="{c.hair}" d="M500 152C300 140 236 300 236 470C226 600 222 700 232 796C240 846 300 862 360 846L640 846C700 862 760 846 768 796C778 700 774 600 764 470C764 300 700 164 500 152Z"/>'
        f'<path fill="{c.skin}" d="M416 700H584V900C584 940 548 962 500 962S416 940 416 900Z"/>'
        f'<path fill="{c.shade}" d="M416 752C470 800 530 800 584 752V802C550 862 450 862 416 802Z"/>'
        f"{_ears(c)}{_face(c)}"
        f'<path fill="{c.hair}" d="M290 520C262 300 356 176 510 172C660 168 744 300 716 520C712 486 706 456 694 428C610 420 520 372 462 290C430 352 366 410 310 436C300 462 294 490 290 520Z"/>'
        f'<path fill="none" stroke="{c.shine}" stroke-width="17" stroke-linecap="round" d="M366 262C416 196 500 188 568 214"/>'
        f'<circle cx="282" cy="592" r="17" fill="{c.ring}"/><circle cx="718" cy="592" r="17" fill="{c.ring}"/>'
    )


def _kai_head(c: Looks) -> str:
    return (
        f'<path fill="{c.skin}" d="M414 690H586V900C586 944 548 966 500 966S414 944 414 900Z"/>'
        f'<path fill="{c.shade}" d="M414 748C468 800 532 800 586 748V806C548 858 452 858 414 806Z"/>'
        f"{_ears(c)}{_face(c)}"
        f'<path fill="{c.hair}" d="M282 520C256 420 262 300 322 240C360 160 480 134 580 152C690 160 734 240 728 350C732 420 728 470 718 520C712 470 706 420 684 372C660 346 640 330 612 322C520 344 420 344 332 330C312 380 292 440 282 520Z"/>'
        f'<path fill="none" stroke="{c.shine}" stroke-width="15" stroke-linecap="round" d="M392 232C440 190 540 178 610 204"/>'
    )


def _ears(c: Looks) -> str:
    return (
        f'<ellipse cx="286" cy="520" rx="34" ry="52" fill="{c.shade}"/><ellipse cx="714" cy="520" rx="34" ry="52" fill="{c.shade}"/>'
        f'<ellipse cx="289" cy="518" rx="26" ry="42" fill="{c.skin}"/><ellipse cx="711" cy="518" rx="26" ry="42" fill="{c.skin}"/>'
    )


def _face(c: Looks) -> str:
    return (
        f'<rect x="297" y="306" width="406" height="200" rx="70" fill="{c.skin}"/>'
        f'<path fill="{c.skin}" d="M288 460C288 250 712 250 712 460C712 640 612 786 500 786S288 640 288 460Z"/>'
        f'<path fill="{c.shade}" opacity="0.5" d="M668 330C700 368 712 410 712 460C712 600 652 714 570 764C650 690 690 560 682 430C680 390 676 360 668 330Z"/>'
        f'<ellipse cx="356" cy="606" rx="46" ry="27" fill="{c.blush}" opacity="0.62"/><ellipse cx="640" cy="606" rx="46" ry="27" fill="{c.blush}" opacity="0.62"/>'
        f'<path fill="none" stroke="{mix(c.shade, c.hair, 0.25)}" stroke-width="11" stroke-linecap="round" d="M508 540C518 570 522 590 512 598C506 603 498 603 490 601"/>'
    )


def _mei_body(c: Looks) -> str:
    dark = mix(c.clothes, "#000000", 0.28)
    return (
        f'<path fill="{c.clothes}" d="M392 880C330 900 220 924 150 972C80 1022 50 1110 40 1440H960C950 1110 920 1022 850 972C780 924 670 900 608 880C590 950 410 950 392 880Z"/>'
        f'<path fill="{dark}" d="M404 866C378 876 372 890 380 908C430 988 570 988 620 908C628 890 622 876 596 866C584 936 416 936 404 866Z"/>'
        f'<path fill="{dark}" opacity="0.55" d="M196 1060C176 1110 168 1150 164 1440H182C184 1150 190 1110 196 1060ZM804 1060C824 1110 832 1150 836 1440H818C816 1150 810 1110 804 1060Z"/>'
    )


def _kai_body(c: Looks) -> str:
    dark = mix(c.clothes, "#000000", 0.30)
    shirt, fold = "#f7f2e8", "#d8d3c8"
    return (
        f'<path fill="{c.clothes}" d="M380 872C320 906 210 930 140 976C74 1024 44 1110 34 1440H966C956 1110 926 1024 860 976C790 930 680 906 620 872L500 1010Z"/>'
        f'<path fill="{shirt}" d="M396 862L500 960L604 862L640 930L560 1440H440L360 930Z"/>'
        f'<path fill="{fold}" d="M404 852L372 900L430 1000L500 940ZM596 852L628 900L570 1000L500 940Z"/>'
        f'<path fill="{dark}" d="M368 888L290 986L352 1030L326 1062L452 1440H482L424 1040ZM632 888L710 986L648 1030L674 1062L548 1440H518L576 1040Z"/>'
        f'<path fill="{dark}" opacity="0.5" d="M176 1060C158 1110 150 1150 146 1440H166C168 1150 172 1110 176 1060ZM824 1060C842 1110 850 1150 854 1440H834C832 1150 828 1110 824 1060Z"/>'
    )


def eyes(figure: Figure, look: Looks, *, closed: float) -> str:
    """Both eyes: `closed` 0 open, 0.5 half, 1 shut; with Kai's glasses."""
    parts = "".join(_eye(figure, look, x, closed) for x in (410, 590))
    if figure == "kai":
        parts += (
            f'<g fill="none" stroke="{look.ring}" stroke-width="11"><circle cx="410" cy="512" r="62"/><circle cx="590" cy="512" r="62"/>'
            f'<path d="M472 506C484 494 516 494 528 506M348 506L296 492M652 506L704 492"/></g>'
        )
    return parts


def _eye(figure: Figure, c: Looks, x: int, closed: float) -> str:
    lash = f'<path fill="none" stroke="{c.iris}" stroke-width="9" stroke-linecap="round" '
    if closed >= 1:
        return f'{lash}d="M{x - 30} 508C{x - 14} 528 {x + 14} 528 {x + 30} 508"/>'
    ry = 29 * (1 - closed)
    lid = (
        f'{lash}d="M{x - 30} {507 - ry * 0.72}C{x - 16} {493 - ry * 0.72} {x + 14} {493 - ry * 0.72} {x + 28} {505 - ry * 0.72}"/>'
        if figure == "mei" or closed
        else ""
    )
    shine = f'<circle cx="{x + 8}" cy="{504 + 8 * closed}" r="{7.5 - 3 * closed}" fill="#fff"/>'
    return f'<ellipse cx="{x}" cy="{514 + 6 * closed}" rx="22" ry="{ry}" fill="{c.iris}"/>{shine}{lid}'


def brows(figure: Figure, look: Looks, *, raised: float) -> str:
    """Both brows, `raised` px above their rest (0-12)."""
    width, y = (14, 430 - raised) if figure == "mei" else (24, 428 - raised)
    outer = 6 if figure == "mei" else 2
    return (
        f'<path fill="none" stroke="{look.hair}" stroke-width="{width}" stroke-linecap="round" '
        f'd="M352 {y + outer}C376 {y - 14} 420 {y - 18} 454 {y}M546 {y}C580 {y - 18} 624 {y - 14} 648 {y + outer}"/>'
    )


def mouth(shape: str, look: Looks) -> str:
    """One of `MOUTHS`; an unknown shape is at rest."""
    line = f'fill="none" stroke="{_LIP}" stroke-width="11" stroke-linecap="round"'
    lip = mix(look.shade, _LIP, 0.25)
    drawn = {
        "rest": f'<path {line} d="M448 662C474 690 526 690 552 662"/>',
        "mbp": f'<path {line} d="M452 674C480 680 520 680 548 674"/><path fill="none" stroke="{lip}" stroke-width="7" stroke-linecap="round" d="M480 698C494 703 506 703 520 698"/>',
        "fv": (
            f'<path fill="{_INSIDE}" d="M450 664H550C546 690 524 700 500 700S454 690 450 664Z"/>'
            f'<path fill="{_TEETH}" d="M454 664H546C545 680 540 684 532 684H468C460 684 455 680 454 664Z"/>'
            f'<path fill="none" stroke="{lip}" stroke-width="9" stroke-linecap="round" d="M474 696C490 702 510 702 526 696"/>'
        ),
        "l": _open(46, 44, tongue=22),
        "ee": _open(62, 30, tongue=0),
        "ah": _open(56, 80, tongue=30),
        "oh": f'<ellipse cx="500" cy="690" rx="37" ry="41" fill="{_INSIDE}"/><path fill="{_TONGUE}" d="M472 716C486 704 514 704 528 716C518 734 482 734 472 716Z"/>',
        "oo": f'<ellipse cx="500" cy="684" rx="28" ry="27" fill="{lip}"/><ellipse cx="500" cy="684" rx="16" ry="15" fill="{_INSIDE}"/>',
    }
    return drawn.get(shape, drawn["rest"])


def _open(half: int, depth: int, *, tongue: int) -> str:
    """An open mouth, `half` px wide to each side and `depth` high, with teeth above and a tongue of `tongue` px below."""
    x0, x1, y = 500 - half, 500 + half, 658
    low = y + depth
    inside = f"M{x0} {y}C{x0 + half * 0.6} {y - 6} {x1 - half * 0.6} {y - 6} {x1} {y}C{x1} {y + depth * 0.75} {500 + half * 0.6} {low} 500 {low}S{x0} {y + depth * 0.75} {x0} {y}Z"
    clip = f"m{half}x{depth}"
    lick = f'<ellipse cx="500" cy="{low}" rx="{half * 0.6}" ry="{tongue}" fill="{_TONGUE}"/>' if tongue else ""
    return (
        f'<clipPath id="{clip}"><path d="{inside}"/></clipPath><path fill="{_INSIDE}" d="{inside}"/>'
        f'<g clip-path="url(#{clip})">{lick}<rect x="{x0}" y="{y - 10}" width="{2 * half}" height="{10 + min(18, depth * 0.5)}" fill="{_TEETH}"/></g>'
    )
