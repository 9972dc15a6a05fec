"""What the sandbox's writer can say of anything, in English: rows as in `phrases_zh`."""

WHO = (
    "a retired sailor", "the youngest apprentice", "a patient neighbour", "the night nurse", "one careful engineer", "the local librarian",
    "a teacher of mathematics", "the owner of a small shop", "a farmer from the hills", "somebody with a notebook", "the oldest keeper", "a curious visitor",
)  # fmt: skip
WHERE = (
    "by the harbour", "at the corner of the lane", "below the mountain", "in the laboratory", "at the old market", "beside the station",
    "on the sea wall", "at the workbench", "behind the school", "along the river", "in a disused warehouse", "on a flat roof",
)  # fmt: skip
WHEN = (
    "early in the morning", "after lunch", "at dusk", "late at night", "on a rainy day", "in winter",
    "in spring", "after the storm", "on the first working day", "at the weekend", "just before a holiday", "during a power cut",
)  # fmt: skip

INTROS = (
    "Have you ever wondered what {t} is really about? In the next few minutes we start with the smallest part.",
    "Everybody has a picture in mind when they hear of {t}. Today we look at it from the other side.",
    "{t} sounds familiar, and yet few people can explain it. Let us take it step by step.",
    "Some stories are best told slowly, and {t} is one of them. Sit down, and we begin at the beginning.",
)
OUTROS = (
    "So much for {t}, for today. The next time you meet it, take a second look.",
    "Perhaps {t} has come a little closer. Thank you for watching, and see you soon.",
    "The story of {t} is not over, and the next page may well be yours.",
    "If you have a story of your own about {t}, tell us below. Until next time.",
)

SUBJECTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("The start", "a narrow path that begins at an old gate, first light", ("It all began {where}, {when}.", "There was only a vague idea and not a single finished drawing.", "Because it was so simple, the first step could be taken.")),
    ("The people", "two figures bent over a table, seen from behind, lamp light", ("It is rarely the famous who move {t} forward.", "For {n} years {who} wrote down every failure.", "Those who opened the notebook later found the answer in it.")),
    ("The tools", "neatly arranged hand tools on a wooden wall", ("Nobody can talk about the work without the tools.", "A good tool need not be expensive, but it must sit well in the hand.", "After {n} years you know its weight with your eyes closed.")),
    ("The time", "a round clock tower over roofs at dusk", ("Time is the fairest judge of all.", "What looks obvious {when} may be wrong in {n} years.", "So it pays to stop now and then and to measure again.")),
    ("The place", "a harbour town on a slope, boats in the bay", ("The place changes the result as well.", "Move the same method, put it {where}, and the light is another.", "Those who adapt to the place save themselves many detours.")),
    ("The details", "macro view of drops on a leaf, soft background", ("The difference is in the details.", "Only {n} millimetres more, and everything has to be done again.", "Whoever bends down to look will find what the others missed.")),
    ("A mistake", "two roads that cross under a signpost in fog", ("The oldest tale about {t} is a misunderstanding.", "Many think that faster is better, while {who} says the opposite.", "Take the steps apart, and the reason becomes plain.")),
    ("The rules", "a grid of coloured tiles, some lifted out", ("Everything has its own rules.", "Find out first what may change and what must never be touched.", "Once that line is kept, there is a great deal of freedom.")),
    ("The price", "an old pair of scales on a stone table", ("Nothing comes for free.", "The {n} minutes that you save are often paid back twice {when}.", "If you know the price, the choice is easy.")),
    ("The turn", "a mountain road with a sharp bend, clearing sky", ("The turn in the story came {when}.", "A plan that had gone well stopped, and everybody met {where}.", "What they settled that night became the most important decision.")),
    ("The numbers", "rows of lanterns that fade into the distance", ("Let us look at the numbers too.", "Of every {n} attempts only one is worth keeping.", "That is not much, but over the years it fills a small library.")),
    ("The sound", "concentric waves on a dark lake at night", ("Close your eyes and listen first.", "There is a rhythm {where} that only the locals know.", "With practice your ears alone will tell you what is wrong.")),
    ("The light", "sun rays through tall windows into a hall", ("Light has something to say.", "It is most honest {when}, when every scratch can be seen.", "That is why {who} always checks at that hour.")),
    ("The material", "stacks of timber, clay pots and woven cloth", ("The material decides how far you get.", "Leave one piece {where} for {n} days, and it is no longer the same.", "People with experience touch it before they make up their minds.")),
    ("The risk", "a small boat before a dark cloud front", ("Of course things can go wrong.", "The most common trouble comes {when}, and without a warning.", "It is better to know a way back than to hope for luck.")),
    ("The habit", "a row of cups on a kitchen shelf, morning light", ("A good habit is more reliable than talent.", "Every day {who} spends {n} minutes on the same small thing.", "What looks like talent from outside is mostly repetition.")),
    ("The company", "many hands hold one large net on a beach", ("Alone you go fast, together you go far.", "One of them measured, another wrote it down, and {who} checked.", "Without any one of them {t} would not be what it is.")),
    ("The failure", "a collapsed paper bridge beside a new one", ("A failure is not the end of the story.", "At attempt number {n} they saw at last where the problem was.", "The useless drafts are now kept with care {where}.")),
    ("The name", "a wooden sign without letters under a tree", ("There is a clue in the name as well.", "The old people call it something that is seen only {when}.", "With another name you look at a thing in another way.")),
    ("The memory", "an open box with photographs and dried flowers", ("Memory chooses what it keeps.", "The date is forgotten, but {who} still knows the smell of that day.", "Put together, such pieces fill the page that the books have missed.")),
    ("The choice", "three doors of different colours in one wall", ("Here you have to choose.", "One way is safe and the other one is interesting, and both make sense.", "Ask yourself which of them you will remember in {n} years.")),
    ("Patience", "terraced fields on a green hillside, thin mist", ("The hardest thing to learn is patience.", "You may wait {n} hours {where}, and nothing happens at all.", "But when it does happen, you will be glad that you stayed.")),
    ("Every day", "a street with awnings and bicycles in the rain", ("In truth {t} is never far from everyday life.", "Walk past slowly {when}, and you will see a trace of it.", "Take it as a window, and an ordinary street looks different.")),
    ("What is next", "a city skyline with gardens on the roofs, sunrise", ("Finally, let us look ahead.", "In another {n} years the methods will be newer and the tools lighter.", "What stays is the curiosity that {who} began with.")),
)  # fmt: skip
