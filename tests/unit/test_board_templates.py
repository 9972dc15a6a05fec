"""What pages are made of stays as it was when the board began."""

from reelqueue.dashboard.rendering import templates_in


def test_an_upgrade_under_a_running_board_changes_none_of_its_pages(tmp_path):
    """New templates name words and values that the old code in memory does not have."""
    (tmp_path / "used.html").write_text("old <{{ name }}>", encoding="utf-8")
    (tmp_path / "unused.html").write_text("old, too", encoding="utf-8")
    pages = templates_in(tmp_path)
    before = pages.get_template("used.html").render(name="&")
    for path in tmp_path.iterdir():
        path.write_text("new {{ something_else }}", encoding="utf-8")

    assert before == "old <&amp;>"
    assert pages.get_template("used.html").render(name="&") == before
    assert pages.get_template("unused.html").render() == "old, too"
