"""The outline of a video from its topic alone: questions to be answered, never an answer made up; pure data."""

from dataclasses import dataclass

from reelqueue.wording import Text


@dataclass(frozen=True, slots=True)
class Question:
    """One part of the outline: a heading and what has to be answered there."""

    heading: Text
    text: Text


OPENING = Text(
    "{topic}以下是一份大綱，還不是完整的內容。它只提出每一段要回答的問題，不代替答案。",
    "{topic} This is an outline, not the finished story. It asks the questions that each part has to answer, and leaves the answers to you.",
)
CLOSING = Text(
    "大綱到這裡。把答案補上，就是一支完整的影片。", "That is the outline. Fill in the answers, and the video is complete."
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        Text("先劃出範圍", "Draw the line"),
        Text(
            "先劃出範圍。一句話說清楚它是什麼。哪些東西包含在內？哪些常被混為一談，其實不算？",
            "Draw the line first. Say what it is in one sentence. What belongs to it? What is often confused with it, and does not?",
        ),
    ),
    Question(
        Text("看它的由來", "Where it comes from"),
        Text(
            "接著看它的由來。它從什麼時候開始受到注意？是誰、在什麼情況下提出來的？中間有過哪些轉折？",
            "Then look at where it comes from. When did people begin to notice it? Who brought it up, and why? What changed along the way?",
        ),
    ),
    Question(
        Text("拿出證據", "Bring the evidence"),
        Text(
            "再來拿出證據。最重要的數字是哪一個，出自哪裡？有沒有一個具體的例子，能讓沒聽過的人馬上明白？",
            "Now bring the evidence. Which figure matters most, and who measured it? Is there one example that a newcomer understands at once?",
        ),
    ),
    Question(
        Text("不同的看法", "The other side"),
        Text(
            "也要聽聽不同的看法。支持的人怎麼說？反對的人怎麼說？哪些地方還沒有共識？",
            "Hear the other side too. What do its friends say? What do its critics say? Where is there no agreement yet?",
        ),
    ),
    Question(
        Text("回到觀眾", "Back to the viewer"),
        Text(
            "最後回到觀眾。看完之後，可以做的第一件事是什麼？想知道更多，該從哪裡開始？",
            "Come back to the viewer at the end. What is the first thing they can do? Where should they go to learn more?",
        ),
    ),
)
"""About 60 s with the opening and the closing."""

FURTHER: tuple[Question, ...] = (
    Question(
        Text("它怎麼運作", "How it works"),
        Text(
            "它怎麼運作？把過程拆成三到五個步驟，一步只說一件事。哪一步最容易出錯？",
            "How does it work? Take it apart into three to five steps, one thing a step. Which step goes wrong most easily?",
        ),
    ),
    Question(
        Text("誰受影響", "Who is affected"),
        Text(
            "誰受到影響？找一個真實的人，說他的一天有什麼不同。受益的是誰，付出代價的又是誰？",
            "Who is affected? Find one real person, and tell how their day is different. Who gains, and who pays for it?",
        ),
    ),
    Question(
        Text("比較一下", "Compare it"),
        Text(
            "拿它和觀眾熟悉的東西比較一下。相同的地方在哪裡？最大的差別是什麼？這個差別為什麼重要？",
            "Compare it with something that the viewer knows. What is the same? What is the largest difference? Why does that difference matter?",
        ),
    ),
    Question(
        Text("常見的誤解", "A common mistake"),
        Text(
            "最常見的誤解是什麼？它從哪裡來，為什麼聽起來很有道理？用一個事實把它說清楚。",
            "What do people most often get wrong? Where does that come from, and why does it sound right? Set it straight with one fact.",
        ),
    ),
    Question(
        Text("接下來會怎樣", "What comes next"),
        Text(
            "接下來會怎樣？哪些事已經確定，哪些還只是推測？推測的話，要說是誰的推測。",
            "What comes next? What is settled, and what is still a guess? If it is a guess, say whose.",
        ),
    ),
)
"""Further parts for a longer video, put in before the last one."""


def questions_for(parts: int) -> tuple[Question, ...]:
    """The outline's parts, between 1 and all of them; the last is always the way back to the viewer."""
    middle = (*QUESTIONS[:-1], *FURTHER)
    return (*middle[: max(0, parts - 1)], QUESTIONS[-1])


MOST_PARTS = len(QUESTIONS) + len(FURTHER)
