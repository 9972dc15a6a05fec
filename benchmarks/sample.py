"""What the benchmark of word times reads aloud: parts of scripts as they are, of two to four sentences."""

CHINESE = (
    "珊瑚白化不等於死亡。海水太熱時，珊瑚會趕走體內的藻類，露出白色的骨骼。如果水溫在幾個星期內降回來，藻類還會再搬進去。",
    "麵團為什麼會膨脹？酵母吃掉糖，吐出二氧化碳，氣體被麵筋的網子困住。進了烤箱，氣體受熱再膨脹一次，然後外皮才定型。",
    "捷運每天載運超過兩百萬人次。尖峰時段平均每兩分鐘就有一班車進站，月台上的人很快就散開。",
    "背景工作用 Redis 排隊，最多重試3次。每次失敗之後，系統會先等2秒、5秒，再等10秒。",
    "颱風在2023年造成了嚴重的災情。山區三天內下了1,200公釐的雨，許多道路中斷。當地居民花了半年才重建家園。",
    "茶葉的顏色來自氧化。綠茶幾乎不氧化，所以保留了青草的香氣；紅茶完全氧化，味道就變得濃厚甘甜。",
    "很多人以為蝙蝠看不見。其實牠們的眼睛很正常，只是在黑暗裡，回聲比光線可靠得多。",
    "把檔案上傳到 YouTube 之前，先檢查標題的長度。標題最多100個字，說明最多5,000個位元組。",
    "月亮為什麼總是用同一面對著我們？因為它自轉一圈的時間，剛好等於繞地球一圈的時間。",
    "學習一種新語言，最重要的不是天分，而是每天都接觸一點點。十分鐘看起來很短，一年下來卻超過六十個小時。",
)
ENGLISH = (
    (
        "A bleached coral is not a dead coral. When the water gets too warm, the coral throws out the algae that live in it, "
        "and its white skeleton shows. If the heat ends within weeks, they move back in."
    ),
    (
        "Why does bread rise? Yeast eats sugar and breathes out gas, and a net of gluten holds it. In the oven the gas swells "
        "once more, then the crust sets."
    ),
    (
        "The service keeps every job in a queue. When a worker dies, another one takes over within twenty seconds, and nothing "
        "is paid for twice."
    ),
    (
        "Many people believe that bats are blind. In fact their eyes are fine; in the dark an echo is simply more reliable than "
        "light."
    ),
    (
        "In 1857 Louis Pasteur showed that yeast is alive. Before that, brewers thought of it as a kind of dust that spoiled or "
        "saved the beer by chance."
    ),
    (
        "Why do we always see the same side of the moon? It turns around itself in exactly the time that it takes to go around "
        "the earth."
    ),
    (
        "Check the title before you upload a video. It may have 100 characters at most, and the description no more than 5,000 "
        "bytes."
    ),
    (
        "Green tea is hardly oxidised at all, so it keeps the smell of fresh grass. Black tea is oxidised completely, and becomes "
        "strong and sweet."
    ),
    (
        "Learning a language takes no special gift. Ten minutes a day look like nothing, but after a year they add up to more "
        "than sixty hours."
    ),
    (
        "The storm brought 48 inches of rain in three days. Roads were cut, bridges fell, and it took the people of the valley "
        "half a year to rebuild."
    ),
)
TEXTS = {"zh-TW": CHINESE, "en": ENGLISH}
