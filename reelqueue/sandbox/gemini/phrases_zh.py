"""What the sandbox's writer can say of anything, in Chinese: one subject a row, its scene, and sentences with places to fill.

`{t}` is the topic, `{who}`, `{where}`, `{when}` and `{n}` come from the lists below, so that a row told twice is told otherwise.
"""

WHO = (
    "老師傅",
    "年輕的學徒",
    "鄰居",
    "第一次來的旅人",
    "記錄的人",
    "工程師",
    "圖書館員",
    "小店的老闆",
    "退休的船員",
    "山上的農人",
    "夜班的護理師",
    "教數學的老師",
)
WHERE = ("港邊", "巷口", "山腳下", "實驗室裡", "老市場", "車站旁", "海堤上", "工作桌前", "校園一角", "河岸邊", "舊倉庫", "屋頂上")
WHEN = ("清晨", "午後", "傍晚", "深夜", "雨天", "冬天", "春天", "颱風過後", "開工那天", "週末", "假期前", "停電的晚上")

INTROS = (
    "你有沒有想過，{t}究竟是怎麼一回事？接下來的幾分鐘，我們從最小的地方看起。",
    "提到{t}，每個人心裡浮現的畫面都不一樣。今天，我們換一個角度重新認識它。",
    "{t}聽起來很熟悉，真正說得清楚的人卻不多。讓我們一步一步把它講明白。",
    "有些故事要慢慢說才有味道，{t}就是其中一個。請坐下來，聽我們從頭講起。",
)  # fmt: skip
OUTROS = (
    "關於{t}，今天先說到這裡。下次再遇見它，希望你會多看一眼。",
    "看完這些，{t}也許離你更近了一點。謝謝你的陪伴，我們下次再見。",
    "{t}的故事還沒有結束，接下來的一頁，也許就由你來寫。",
    "如果你也有自己的{t}，歡迎留言告訴我們。期待下一次相聚。",
)  # fmt: skip

SUBJECTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("起點", "a narrow path that begins at an old gate, first light", ("一切要從{where}的一個{when}說起。", "那時候{who}只有一個模糊的念頭，手邊連一張完整的圖都沒有。", "可是正因為簡單，第一步才踏得出去。")),
    ("人", "two figures bent over a table, seen from behind, lamp light", ("真正推動{t}的，往往不是大人物。", "{where}的{who}花了{n}年，把每一次失敗都記在本子上。", "後來的人翻開那本筆記，才發現答案早就寫在裡面。")),
    ("工具", "neatly arranged hand tools on a wooden wall", ("談到做法，就不能不提工具。", "好的工具未必昂貴，順手卻很重要。", "{who}說，用了{n}年的那一把，閉著眼睛也知道輕重。")),
    ("時間", "a round clock tower over roofs at dusk", ("時間是最公平的裁判。", "在{when}看起來理所當然的事，過了{n}年可能完全不同。", "所以每隔一陣子，就該停下來重新量一次。")),
    ("地方", "a harbour town on a slope, boats in the bay", ("地點也會改變結果。", "同樣的方法搬到{where}，光線、風向和聲音都不一樣。", "懂得因地制宜的人，往往少走許多冤枉路。")),
    ("細節", "macro view of drops on a leaf, soft background", ("魔鬼藏在細節裡，這句話一點也不誇張。", "只差{n}公分，整件事就可能要重來。", "願意彎下腰去看的人，總會找到別人漏掉的線索。")),
    ("誤會", "two roads that cross under a signpost in fog", ("關於{t}，流傳最久的其實是一個誤會。", "很多人以為越快越好，{who}卻說，急的時候更要慢。", "把步驟拆開來看，就會明白他的道理。")),
    ("規則", "a grid of coloured tiles, some lifted out", ("每件事都有自己的規則。", "先弄清楚什麼可以變，什麼絕對不能動。", "守住那條線之後，剩下的空間反而很自由。")),
    ("代價", "an old pair of scales on a stone table", ("沒有什麼是免費的。", "省下來的{n}分鐘，常常要在{when}加倍還回去。", "知道代價的人，選擇時就不會猶豫。")),
    ("轉折", "a mountain road with a sharp bend, clearing sky", ("故事的轉折出現在一個{when}。", "原本順利的計畫忽然停了下來，大家只好圍在{where}重新商量。", "那一夜的討論，後來成了最重要的決定。")),
    ("數字", "rows of lanterns that fade into the distance", ("我們也來看看數字。", "每{n}次嘗試裡，大約只有一次會留下來。", "聽起來不多，累積{n}年之後，就是一座小小的圖書館。")),
    ("聲音", "concentric waves on a dark lake at night", ("閉上眼睛，先聽聲音。", "{where}的{when}，有一種只有當地人才認得的節奏。", "熟悉之後，光靠耳朵就知道哪裡不對勁。")),
    ("光線", "sun rays through tall windows into a hall", ("光線會說話。", "{when}的光最誠實，表面上的每一道痕跡都看得清楚。", "{who}總是挑這個時候檢查，多年來沒有例外。")),
    ("材料", "stacks of timber, clay pots and woven cloth", ("材料決定了能走多遠。", "同樣一塊料，放在{where}{n}天，性質就會改變。", "所以有經驗的人先摸一摸，才決定要不要動手。")),
    ("風險", "a small boat before a dark cloud front", ("當然，事情也可能出錯。", "最常見的問題發生在{when}，而且往往沒有預兆。", "與其祈禱好運，不如先想好退路。")),
    ("習慣", "a row of cups on a kitchen shelf, morning light", ("好的習慣比天分可靠。", "{who}每天花{n}分鐘做同一件小事，從不間斷。", "日子久了，旁人以為的天分，其實是重複。")),
    ("合作", "many hands hold one large net on a beach", ("一個人走得快，一群人走得遠。", "在{where}，{who}負責量，別人負責記，彼此信任。", "少了任何一個環節，{t}都不會是今天的樣子。")),
    ("失敗", "a collapsed paper bridge beside a new one", ("失敗不是故事的終點。", "第{n}次嘗試的時候，他們終於看出問題在哪裡。", "那堆沒有用的草稿，如今被仔細收在{where}。")),
    ("名字", "a wooden sign without letters under a tree", ("名字也藏著線索。", "老一輩的人說起它，用的是另一個稱呼，意思是{when}才看得見的東西。", "換了名字，看事情的方式也跟著變了。")),
    ("記憶", "an open box with photographs and dried flowers", ("記憶會挑東西留下。", "{who}記不得日期，卻記得那個{when}的味道。", "這些零碎的片段拼起來，正好補上書裡缺的一頁。")),
    ("選擇", "three doors of different colours in one wall", ("走到這裡，就得做選擇。", "一條路穩當，另一條路有趣，兩邊都有道理。", "不妨先問自己，{n}年後會想起哪一個。")),
    ("耐心", "terraced fields on a green hillside, thin mist", ("最難學的是耐心。", "在{where}等上{n}個小時，可能什麼也沒有發生。", "可是當它真的出現，你會慶幸自己還在。")),
    ("日常", "a street with awnings and bicycles in the rain", ("其實{t}離日常生活並不遠。", "{when}經過{where}的時候，只要稍微留意，就能看見它的影子。", "把它當成一扇窗，平凡的街景也會變得不一樣。")),
    ("未來", "a city skyline with gardens on the roofs, sunrise", ("最後，我們往前看。", "下一個{n}年，方法會更新，工具會更輕巧。", "不會變的，是{who}眼裡那股好奇。")),
)  # fmt: skip
